"""Named data sets, prepared once into one format on disk that training opens instantly. numpy only."""

"""Data sets, prepared once into a format on disk that training opens instantly. numpy only."""

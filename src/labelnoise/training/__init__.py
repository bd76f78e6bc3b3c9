"""One trial: a recipe, a data set, a label file and a loss in; result, metrics and predictions out."""

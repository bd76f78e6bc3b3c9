"""What tests share: whole projects, data sets in official formats, formulas, small trained networks."""

"""HTTP in, tables, reference data and the detection of national numbers."""

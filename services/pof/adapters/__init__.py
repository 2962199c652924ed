"""HTTP in, tables, what people read, and the calendar's data. No rules."""

"""Reports: figures over samples, as values, pages and files."""

"""Result rows: what analysis commands read, and how numbers become rows of tables."""

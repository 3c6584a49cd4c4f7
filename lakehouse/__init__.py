"""Delta, Spark, DuckDB and the object store: tables, their history, and the engines that make new versions."""

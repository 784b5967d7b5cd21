"""What runs queries over many patients: DuckDB, or Spark."""

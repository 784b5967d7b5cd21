"""Answers of many, looked over: lists of patients, counts, summaries."""

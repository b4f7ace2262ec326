"""The glossary, one module a group of metrics."""

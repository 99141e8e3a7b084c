"""The only place that parses arguments and prints."""

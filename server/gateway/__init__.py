"""The HTTP door: the API as HTTP and JSON, its documents, operations, and the providers' way to tell us things."""

"""The HTTP door: operations now (metrics, health), the API's HTTP form later."""

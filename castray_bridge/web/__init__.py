"""HTTP API, WebSocket, service discovery and the wall, and the server they run on."""

"""The HTTP API and the page of the node monitor, and the server they run on."""

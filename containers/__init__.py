"""The server side in containers: images, a Compose file, and configuration made from that of a single machine."""

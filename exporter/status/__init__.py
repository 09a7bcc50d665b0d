"""The state machine of the node: from reports and time to a view for readers and changes for the journal."""

"""What the node does: reports, silence and a clock that is set go in; the view and what must be kept come out."""

"""Where nodes come from: Ray, an existing CastRay, the inventory; and the targets that follow from them."""

"""A year of contact: invented lives, the product's governor deciding every attempt, and a checker of its own."""

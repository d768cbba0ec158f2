"""What belongs to one paper: its figures, its tables, and which of our numbers answers them."""

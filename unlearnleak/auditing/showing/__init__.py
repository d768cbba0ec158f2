"""An audit's answer for people: lines for a terminal, a page, a PDF of one page, and the folder that holds them."""

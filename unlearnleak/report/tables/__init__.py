"""Tables: functions from runs to what a terminal, a document or a program gets."""

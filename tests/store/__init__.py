"""Tests of the artifact store."""

"""Core values as text and as JSON objects, shared by the front ends; colour and mark-up are theirs."""

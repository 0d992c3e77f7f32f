"""Phrases and words of the larger pages, in Korean and English."""

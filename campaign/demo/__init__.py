"""The demonstration: a portal database with real places of Saxony-Anhalt and Brandenburg, pictures and campaigns."""

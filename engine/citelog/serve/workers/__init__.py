"""The processes that answer: what they hold, what they are asked, and how the server knows them."""

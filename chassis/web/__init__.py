"""Pages: their layout, components, forms, sign-in and error pages. The pages themselves belong to the services."""

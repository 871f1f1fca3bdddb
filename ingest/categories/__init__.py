"""Why a build failed: rules, and the matcher that finds the first one that holds."""

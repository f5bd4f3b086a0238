package app

// RoutePatterns lists the app's own routes for the test that walks all of them.
func (a *App) RoutePatterns() []string {
	var patterns []string
	for _, r := range a.ownRoutes() {
		patterns = append(patterns, r.pattern)
	}
	return patterns
}

// For the tests that let several processes start at once.
var (
	MakeKey    = makeKey
	SealingKey = sealingKey
)

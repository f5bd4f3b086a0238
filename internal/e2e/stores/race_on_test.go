//go:build race

package stores

// slowed says that the race detector is on, which makes everything take many
// times as long, and not everything equally.
const slowed = true

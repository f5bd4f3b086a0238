package stores

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfahttp"
	"github.com/go-mfa/mfa/mfatest"
	"github.com/go-mfa/mfa/otpdelivery"
	"github.com/go-mfa/mfa/storage/memory"
)

// N02: how long a sign-in takes says nothing of whether somebody has the name.
// A long run without the race detector asks whether the two could be told apart
// at all, and three times if it seems so, because one time in a hundred is
// chance. Every other run asks whether they are about the same.
func TestN02_NamesThatNobodyHasTakeAsLong(t *testing.T) {
	for name, fresh := range map[string]func(t *testing.T) mfa.Store{
		"memory": func(*testing.T) mfa.Store { return memory.New() },
		"SQLite": func(t *testing.T) mfa.Store { return open(t, freshSQLite(t)) },
	} {
		t.Run(name, func(t *testing.T) {
			door := newFrontDoor(t, fresh(t))
			door.measure(t, 50) // caches are warm
			if !long || slowed {
				begin, answer := door.measure(t, 150)
				begin.requireAlike(t, "begin")
				answer.requireAlike(t, "answer")
				return
			}
			for attempt := 1; ; attempt++ {
				begin, answer := door.measure(t, 1000)
				t.Logf("begin: %v; answer: %v", begin, answer)
				if min(begin.p(), answer.p()) > 0.01 {
					return
				}
				require.Less(t, attempt, 3, "they can be told apart, three times")
			}
		})
	}
}

// frontDoor is an app to which people sign in by a code.
type frontDoor struct{ http.Handler }

// names is how many names somebody has, and how many nobody has.
const names = 20

func isName(name string) bool { return strings.HasPrefix(name, "some") }

// newFrontDoor has an app that takes as long for either. The names make
// addresses as long as those that the library makes up.
func newFrontDoor(t *testing.T, store mfa.Store) frontDoor {
	t.Helper()
	kit := mfatest.New(t, func(c *mfa.Config) {
		queue, err := otpdelivery.NewQueue(otpdelivery.QueueConfig{
			Sender: otpdelivery.SenderFunc(func(context.Context, otpdelivery.Message) error { return nil }), Now: c.Now,
		})
		require.NoError(t, err)
		t.Cleanup(func() { assert.NoError(t, queue.Shutdown(context.Background())) })
		email, err := otpdelivery.NewEmail(otpdelivery.Config{App: "Example", Sender: queue, SignIn: true, Limits: generousSends})
		require.NoError(t, err)
		c.Store, c.Factors, c.Limits = store, append(c.Factors, email), generous
		c.Limits.SignIns = many
		c.User = userOf
		c.FindUser = func(_ context.Context, name string) (string, error) {
			if !isName(name) {
				return "", mfa.ErrNotFound
			}
			return name, nil
		}
	})
	h, err := mfahttp.New(kit.Manager, mfahttp.Config{Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	return frontDoor{h}
}

// pair is how long something took for names that somebody has, and for those
// that nobody has.
type pair struct{ some, none []time.Duration }

func (p pair) String() string {
	return fmt.Sprintf("%v and %v, p = %.3f", median(p.some), median(p.none), p.p())
}

// p is the probability of a difference such as this one by chance.
func (p pair) p() float64 { return mannWhitney(p.some, p.none) }

// requireAlike bounds a difference that anybody would see.
func (p pair) requireAlike(t *testing.T, what string) {
	t.Helper()
	ratio := float64(median(p.some)) / float64(median(p.none))
	require.InDelta(t, 0, math.Log2(ratio), 1, "%s: %v", what, p)
}

// measure begins n sign-ins for names of either kind, in random order, and
// gives a wrong answer to each.
func (d frontDoor) measure(t *testing.T, n int) (begin, answer pair) {
	t.Helper()
	order := make([]string, 0, 2*n)
	for i := range n {
		order = append(order, fmt.Sprintf("somebody-with-%04d", i%names), fmt.Sprintf("nobodies-with-%04d", i%names))
	}
	rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for _, name := range order {
		w, began := d.post(t, "/mfa/api/signin", `{"method":"email","username":"`+name+`"}`, nil)
		require.Equal(t, http.StatusCreated, w.Code, w.Body)
		var c struct{ ID string }
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &c))
		w, answered := d.post(t, "/mfa/api/signin/"+c.ID, `{"response":"wrong"}`, w.Result().Cookies())
		require.Equal(t, http.StatusUnprocessableEntity, w.Code, w.Body)
		if isName(name) {
			begin.some, answer.some = append(begin.some, began), append(answer.some, answered)
		} else {
			begin.none, answer.none = append(begin.none, began), append(answer.none, answered)
		}
	}
	return begin, answer
}

func (d frontDoor) post(t *testing.T, path, body string, cookies []*http.Cookie) (w *httptest.ResponseRecorder, took time.Duration) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "https://example.test"+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	for _, c := range cookies {
		r.AddCookie(c)
	}
	w = httptest.NewRecorder()
	began := time.Now()
	d.ServeHTTP(w, r)
	return w, time.Since(began)
}

func median(d []time.Duration) time.Duration {
	d = slices.Sorted(slices.Values(d))
	return d[len(d)/2]
}

// mannWhitney returns the two-sided p of the Mann-Whitney U test, by the normal
// approximation with corrections for continuity and ties. It is for samples of
// ten or more.
func mannWhitney(a, b []time.Duration) (p float64) {
	type sample struct {
		took time.Duration
		of   int
	}
	var all []sample
	for of, group := range [][]time.Duration{a, b} {
		for _, d := range group {
			all = append(all, sample{d, of})
		}
	}
	slices.SortFunc(all, func(x, y sample) int { return int(x.took - y.took) })
	n, m, ranks, ties := float64(len(a)), float64(len(b)), 0.0, 0.0
	for i := 0; i < len(all); {
		j := i
		for j < len(all) && all[j].took == all[i].took {
			j++
		}
		for _, s := range all[i:j] {
			if s.of == 0 {
				ranks += float64(i+1+j) / 2
			}
		}
		same := float64(j - i)
		ties += same*same*same - same
		i = j
	}
	u := ranks - n*(n+1)/2
	sd := math.Sqrt(n * m / 12 * (n + m + 1 - ties/((n+m)*(n+m-1))))
	z := max(0, math.Abs(u-n*m/2)-0.5) / sd
	return math.Erfc(z / math.Sqrt2)
}

// What the published tables give as the largest U that is significant.
func TestMannWhitneyByTheTables(t *testing.T) {
	for _, tc := range []struct {
		n        int
		p        float64
		critical int
	}{
		{10, 0.05, 23}, {10, 0.01, 16},
		{15, 0.05, 64}, {15, 0.01, 51},
		{20, 0.05, 127}, {20, 0.01, 105},
	} {
		assert.Less(t, mannWhitney(withU(tc.n, tc.critical-2)), tc.p, "%v", tc)
		assert.Greater(t, mannWhitney(withU(tc.n, tc.critical+2)), tc.p, "%v", tc)
		a, b := withU(tc.n, tc.critical)
		assert.InDelta(t, mannWhitney(a, b), mannWhitney(b, a), 1e-12, "%v", tc)
	}
	same := make([]time.Duration, 9)
	other := append(slices.Clone(same), 1)
	assert.InDelta(t, 1, mannWhitney(other, other), 1e-12, "ties")
}

// withU returns two samples of n of which the first is greater in u of all
// pairs.
func withU(n, u int) (a, b []time.Duration) {
	for i := range n {
		above := u / n
		if i < u%n {
			above++
		}
		a, b = append(a, time.Duration(1000*above+500+i)), append(b, time.Duration(1000*(i+1)))
	}
	return a, b
}

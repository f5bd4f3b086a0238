package otpdelivery

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/go-mfa/mfa/factor"
)

// F06: the rows over which a day is spread add up to its limit, and are all
// used.
func TestF06_TheDayIsShared(t *testing.T) {
	for _, perDay := range []int{1, 17, 999, 1000, 2999, 10_000, 100_001} {
		f := &Factor{channel: Email, cfg: Config{Limits: Limits{PerDay: perDay}}}
		limits, used := map[string]int{}, map[string]int{}
		for i := range 20_000 {
			charges := f.charges(factor.Request{Ceremony: "ceremony " + strconv.Itoa(i), User: factor.User{ID: "u"}}, "a@example.com")
			day := charges[len(charges)-1]
			assert.Equal(t, 24*time.Hour, day.Per)
			limits[day.Key] = day.N
			used[day.Key]++
		}
		sum := 0
		for key, n := range limits {
			sum += n
			assert.GreaterOrEqual(t, n, min(perDay, 1000), "none is full long before the day")
			assert.Greater(t, used[key], 20_000/len(limits)/2, "row %s of %d", key, perDay)
		}
		assert.Equal(t, perDay, sum)
	}
}

// F06, J09: the budgets of a message, and that those of people who have proved
// nothing are not those of people who have.
func TestF06_J09_Budgets(t *testing.T) {
	f := &Factor{channel: SMS, cfg: Config{Countries: []string{"+1"}, Limits: Limits{PerUser: 1, PerAddress: 2, PerPrefix: 3, PerDay: 4, Cooldown: time.Second}}}
	keys := func(r factor.Request, number string) map[string]int {
		all := map[string]int{}
		for _, c := range f.charges(r, number) {
			all[c.Key[:strings.LastIndex(c.Key, "/")]] = c.N
		}
		return all
	}
	alice := factor.Request{User: factor.User{ID: "alice"}, Ceremony: "c", Purpose: factor.PurposeVerify}
	assert.Equal(t, map[string]int{
		"sms/verify/ceremony": 1, "sms/verify/user": 1, "sms/verify/address": 2, "sms/verify/day": 4,
	}, keys(alice, "+15555550100"), "neighbours keep nobody from verifying")
	enrols := alice
	enrols.Purpose = factor.PurposeEnroll
	assert.Equal(t, map[string]int{
		"sms/enroll/ceremony": 1, "sms/enroll/user": 1, "sms/enroll/address": 2, "sms/enroll/prefix": 3, "sms/enroll/day": 4,
	}, keys(enrols, "+15555550100"), "who has an account takes nothing from who verifies")

	anybody := alice
	anybody.Purpose = factor.PurposeSignIn
	for i, c := range f.charges(anybody, "+15555550100") {
		assert.True(t, strings.HasPrefix(c.Key, "sms/sign_in/"), c.Key)
		assert.Equal(t, i == 0, c.Ceremony)
	}
	nobody := anybody
	nobody.User, nobody.Decoy = factor.User{}, []byte(strings.Repeat("d", 32))
	decoy := f.decoyAddress(nobody.Decoy)
	assert.Len(t, f.charges(nobody, decoy), len(f.charges(anybody, "+15555550100")), "a name that nobody has costs as much")
	for _, c := range f.charges(nobody, decoy) {
		assert.True(t, strings.HasPrefix(c.Key, "sms/decoy/"), "%s: nobody takes nothing from anybody", c.Key)
	}
	assert.True(t, f.serves(decoy))
	assert.Regexp(t, e164, decoy)

	near, far := f.charges(enrols, "+15555550199")[3].Key, f.charges(enrols, "+15555560100")[3].Key
	assert.Equal(t, f.charges(enrols, "+15555550100")[3].Key, near)
	assert.NotEqual(t, near, far)
}

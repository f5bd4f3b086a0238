package mfa_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-mfa/mfa"
	"github.com/go-mfa/mfa/mfatest"
	"github.com/go-mfa/mfa/storage/memory"
)

// hooked calls back before or after single methods of a store.
type hooked struct {
	mfa.Store
	beforeCreate, afterCreate func()
	beforeUpdate              func()
}

func (h *hooked) CreateCredential(ctx context.Context, c mfa.Credential) error {
	if h.beforeCreate != nil {
		h.beforeCreate()
	}
	err := h.Store.CreateCredential(ctx, c)
	if h.afterCreate != nil {
		h.afterCreate()
	}
	return err
}

func (h *hooked) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	if do := h.beforeUpdate; do != nil {
		h.beforeUpdate = nil
		do()
	}
	return h.Store.UpdateCredential(ctx, c, prev)
}

func TestA13_ASessionWhoseFirstFactorIsGoneManagesNothing(t *testing.T) {
	kit := mfatest.New(t, nil)
	app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "anna"))
	key, s := kit.EnrollKey(t, s)
	s = kit.VerifyTOTP(t, s, app)
	// As if she had signed in with the key: it is the first factor, the app the second.
	stolen := mfa.State{ID: "stolen", UserID: "anna"}
	for _, use := range s.Methods {
		switch use.CredentialID {
		case key.CredentialID:
			use.Role = mfa.RoleFirst
			stolen.Methods = append(stolen.Methods, use)
		case app.CredentialID:
			stolen.Methods = append(stolen.Methods, use)
		}
	}
	require.NoError(t, kit.Manager.Allow(t.Context(), stolen, mfa.Requirement{AAL: mfa.AAL2}))

	_, err := kit.Manager.Remove(t.Context(), s, key.CredentialID)
	require.NoError(t, err)
	var stepUp *mfa.StepUpError
	require.ErrorAs(t, kit.Manager.Allow(t.Context(), stolen, mfa.Requirement{}), &stepUp)
	assert.Equal(t, mfa.MissingFirstFactor, stepUp.Missing)
	_, err = kit.Manager.BeginEnroll(t.Context(), stolen, mfa.EnrollOptions{Method: "totp"})
	require.ErrorAs(t, err, &stepUp)
	_, err = kit.Manager.Remove(t.Context(), stolen, app.CredentialID)
	require.ErrorAs(t, err, &stepUp)
	require.NoError(t, kit.Manager.Allow(t.Context(), stolen, mfa.Requirement{AAL: mfa.AAL1}), "the app's code alone is aal1")
}

func TestL01_ACancelledEnrolmentIsWithdrawnAllTheSame(t *testing.T) {
	store := memory.New()
	r := newRig(t, store)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	thief := newRig(t, &hooked{Store: store, beforeCreate: func() {
		r.enrollTOTP(t, r.signIn(t, "anna")) // she is a moment earlier
	}, afterCreate: cancel})
	s := thief.signIn(t, "anna")
	c, err := thief.BeginEnroll(t.Context(), s, mfa.EnrollOptions{Method: "totp"})
	require.NoError(t, err)
	_, _, err = thief.FinishEnroll(ctx, s, c.ID, newPhone(t, c.Prompt).code(t, thief.clock.now()))
	require.ErrorIs(t, err, mfa.ErrConflict)
	infos, err := r.Credentials(t.Context(), "anna")
	require.NoError(t, err)
	assert.Len(t, infos, 1)
}

func TestL08_AnEnrolmentDoesNotOutliveAnAdminReset(t *testing.T) {
	store := memory.New()
	r := newRig(t, store)
	_, aal2 := r.enrollTOTP(t, r.signIn(t, "anna"))
	thief := newRig(t, &hooked{Store: store, beforeCreate: func() {
		require.NoError(t, r.AdminReset(t.Context(), "admin", "anna", "her phone was stolen"))
	}})
	thief.clock.t = r.clock.now()
	c, err := thief.BeginEnroll(t.Context(), aal2, mfa.EnrollOptions{Method: "totp"})
	require.NoError(t, err)
	_, _, err = thief.FinishEnroll(t.Context(), aal2, c.ID, newPhone(t, c.Prompt).code(t, thief.clock.now()))
	require.ErrorIs(t, err, mfa.ErrConflict)
	infos, err := r.Credentials(t.Context(), "anna")
	require.NoError(t, err)
	assert.Empty(t, infos)
}

func TestL04_ARemovalThatCountsOnANewFactorKeepsIt(t *testing.T) {
	mandatory := func(c *mfa.Config) { c.SignIn = mfa.Requirement{AAL: mfa.AAL2} }
	store := memory.New()
	r := newRig(t, store, mandatory)
	_, aal2 := r.enrollTOTP(t, r.signIn(t, "anna"))
	infos, err := r.Credentials(t.Context(), "anna")
	require.NoError(t, err)
	other := newRig(t, &hooked{Store: store, afterCreate: func() {
		_, err := r.Remove(t.Context(), aal2, infos[0].ID) // the new one is there, so the old one may go
		assert.NoError(t, err)
	}}, mandatory)
	other.clock.t = r.clock.now()
	c, err := other.BeginEnroll(t.Context(), aal2, mfa.EnrollOptions{Method: "totp"})
	require.NoError(t, err)
	_, _, err = other.FinishEnroll(t.Context(), aal2, c.ID, newPhone(t, c.Prompt).code(t, other.clock.now()))
	require.NoError(t, err)
	infos, err = r.Credentials(t.Context(), "anna")
	require.NoError(t, err)
	assert.Len(t, infos, 1, "somebody has to have a factor")
}

func TestO04_ResealLosesNoRaceAgainstAnotherWrite(t *testing.T) {
	oldKey, newKey := []byte("0123456789abcdef0123456789ABCDEF"), []byte("another key of exactly 32 bytes!")
	keys := func(k ...[]byte) func(*mfa.Config) { return func(c *mfa.Config) { c.Keys = k } }
	store := memory.New()
	r := newRig(t, store, keys(oldKey))
	_, aal2 := r.enrollTOTP(t, r.signIn(t, "anna"))
	infos, err := r.Credentials(t.Context(), "anna")
	require.NoError(t, err)

	rotated := &resealStore{Store: store}
	both := newRig(t, rotated, keys(newKey, oldKey))
	both.clock.t = r.clock.now()
	rotated.beforeUpdate = func() { require.NoError(t, r.Rename(t.Context(), aal2, infos[0].ID, "Renamed")) }
	require.NoError(t, both.Reseal(t.Context()))

	only := newRig(t, store, keys(newKey))
	infos, err = only.Credentials(t.Context(), "anna")
	require.NoError(t, err, "the old key can be retired")
	assert.Equal(t, "Renamed", infos[0].Name)
}

// resealStore is hooked, with what Reseal needs.
type resealStore struct {
	*memory.Store
	beforeUpdate func()
}

func (h *resealStore) UpdateCredential(ctx context.Context, c mfa.Credential, prev int64) error {
	return (&hooked{Store: h.Store, beforeUpdate: h.take()}).UpdateCredential(ctx, c, prev)
}

func (h *resealStore) take() func() {
	do := h.beforeUpdate
	h.beforeUpdate = nil
	return do
}

func TestO04_ARenameSealsUnderTheFirstKey(t *testing.T) {
	oldKey, newKey := []byte("0123456789abcdef0123456789ABCDEF"), []byte("another key of exactly 32 bytes!")
	store := memory.New()
	r := newRig(t, store, func(c *mfa.Config) { c.Keys = [][]byte{oldKey} })
	_, aal2 := r.enrollTOTP(t, r.signIn(t, "anna"))
	infos, err := r.Credentials(t.Context(), "anna")
	require.NoError(t, err)
	both := newRig(t, store, func(c *mfa.Config) { c.Keys = [][]byte{newKey, oldKey} })
	both.clock.t = r.clock.now()
	require.NoError(t, both.Rename(t.Context(), aal2, infos[0].ID, "Phone"))
	only := newRig(t, store, func(c *mfa.Config) { c.Keys = [][]byte{newKey} })
	_, err = only.Credentials(t.Context(), "anna")
	require.NoError(t, err)
}

func TestB09_SignInThatFailsSavesNothing(t *testing.T) {
	kit := mfatest.New(t, func(c *mfa.Config) { c.SignIn = mfa.Requirement{AAL: mfa.AAL1} })
	store := &failingCredentials{Store: kit.Store}
	broken := mfatest.New(t, func(c *mfa.Config) { c.Store, c.Session = store, kit.Session })
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/login", http.NoBody)
	_, err := broken.Manager.SignIn(w, r, "anna", mfa.Password())
	require.Error(t, err)
	assert.Empty(t, w.Result().Cookies())
}

type failingCredentials struct{ mfa.Store }

func (failingCredentials) Credentials(context.Context, string) ([]mfa.Credential, error) {
	return nil, errors.New("connection lost")
}

func TestK01_AProofFromTheFutureHidesNoFreshOne(t *testing.T) {
	kit := mfatest.New(t, nil)
	app, s := kit.EnrollTOTP(t, kit.SignedIn(t, "anna"))
	key, s := kit.EnrollKey(t, s)
	fresh := mfa.Requirement{AAL: mfa.AAL2, MaxAge: 5 * time.Minute}
	require.NoError(t, kit.Manager.Allow(t.Context(), s, fresh))
	kit.Clock.Advance(-24 * time.Hour)
	require.Error(t, kit.Manager.Allow(t.Context(), s, fresh), "from the future is not recent")
	s = kit.VerifyKey(t, s, key)
	require.NoError(t, kit.Manager.Allow(t.Context(), s, fresh))
	_ = app
}

func TestE06_ALimitOfOneStillLetsCodesBeReplaced(t *testing.T) {
	kit := mfatest.New(t, func(c *mfa.Config) { c.Limits.Credentials = 1 })
	_, s := kit.EnrollTOTP(t, kit.SignedIn(t, "anna"))
	_, s = kit.EnrollCodes(t, s)
	kit.EnrollCodes(t, s)
	st, err := kit.Manager.Status(t.Context(), s)
	require.NoError(t, err)
	for _, m := range st.Methods {
		assert.Equal(t, m.Method != "totp", m.Enrollable, m.Method)
	}
}

func TestC02_RoutesThatNoFactorCanCloseAreRefusedAtStartUp(t *testing.T) {
	r := newRig(t, nil) // TOTP and recovery codes
	for name, c := range map[string]struct {
		q  mfa.Requirement
		ok bool
	}{
		"a slip of the pen":        {mfa.Requirement{AAL: mfa.AAL2, Methods: []string{"topt"}}, false},
		"a factor that is not set": {mfa.Requirement{AAL: mfa.AAL2, Methods: []string{"webauthn"}}, false},
		"a first factor alone":     {mfa.Requirement{AAL: mfa.AAL2, Methods: []string{"password"}}, false},
		"keys without keys":        {mfa.Requirement{AAL: mfa.AAL2, PhishingResistant: true}, false},
		"codes that cannot resist": {mfa.Requirement{AAL: mfa.AAL2, PhishingResistant: true, Methods: []string{"totp", "oidc"}}, false},
		"one of them can":          {mfa.Requirement{AAL: mfa.AAL2, Methods: []string{"topt", "totp"}}, true},
		"a vouched sign-in":        {mfa.Requirement{AAL: mfa.AAL2, Methods: []string{"oidc"}}, true},
		"a fresh password":         {mfa.Requirement{AAL: mfa.AAL1, Methods: []string{"password"}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if c.ok {
				assert.NotPanics(t, func() { r.Require(c.q) })
			} else {
				assert.Panics(t, func() { r.Require(c.q) })
			}
		})
	}
}

func TestL08_AdminsNameWhatTheyMean(t *testing.T) {
	r := newRig(t, nil)
	ctx := t.Context()
	r.enrollTOTP(t, r.signIn(t, "anna"))
	require.ErrorIs(t, r.AdminReset(ctx, "root", "anna", "lost phone", "topt"), mfa.ErrInvalid)
	require.ErrorIs(t, r.AdminReset(ctx, "", "anna", "lost phone"), mfa.ErrInvalid)
	require.ErrorIs(t, r.AdminReset(ctx, "root", "", "lost phone"), mfa.ErrInvalid)
	require.ErrorIs(t, r.AdminReset(ctx, "root", "anna", ""), mfa.ErrInvalid)
	require.ErrorIs(t, r.Unlock(ctx, "root", "anna", ""), mfa.ErrInvalid)
	require.ErrorIs(t, r.Forget(ctx, ""), mfa.ErrInvalid)
	infos, err := r.Credentials(ctx, "anna")
	require.NoError(t, err)
	assert.Len(t, infos, 1)
	require.NoError(t, r.AdminReset(ctx, "root", "anna", "lost phone", "totp"))
}

func TestC03_TheChallengeNamesALevelThatIsNotThere(t *testing.T) {
	kit := mfatest.New(t, nil)
	s := kit.SignedIn(t, "anna")
	var stepUp *mfa.StepUpError
	require.ErrorAs(t, kit.Manager.Allow(t.Context(), s, mfa.Requirement{PhishingResistant: true}), &stepUp)
	assert.Equal(t, mfa.AAL1, stepUp.Have)
	assert.Equal(t, mfa.AAL2, stepUp.Want, "a key beside the password gives aal2")
	assert.Equal(t, []string{"webauthn"}, stepUp.Enroll)
	kit.Clock.Advance(time.Hour)
	require.ErrorAs(t, kit.Manager.Allow(t.Context(), s, mfa.Requirement{AAL: mfa.AAL1, MaxAge: time.Minute}), &stepUp)
	assert.Equal(t, mfa.AAL1, stepUp.Want, "a fresh password does")
}

package storetest

import (
	"testing"

	"github.com/go-mfa/mfa"
)

// credentialDuels are about one credential.
var credentialDuels = []duelTest[mfa.Store]{
	{"UpdateDuringUpdate", updateCompares, onCredential(updating, updating)},
	{"DeleteDuringUpdate", updateCompares, onCredential(updating, deleting)},
	{"RecreateDuringUpdate", recreated, onCredential(updating, recreating)},
	{"PassOnDuringUpdate", updateCompares, onCredential(updating, passingOn)},
	{"CreateDuringUpdate", updateCompares, onAbsent(updating)},
	{"ReadDuringUpdate", oneStep, onCredential(updating, reading)},

	{"UpdateDuringDelete", deleteCompares, onCredential(deleting, updating)},
	{"DeleteDuringDelete", deleteCompares, onCredential(deleting, deleting)},
	{"RecreateDuringDelete", recreated, onCredential(deleting, recreating)},
	{"PassOnDuringDelete", deleteCompares, onCredential(deleting, passingOn)},
	{"CreateDuringDelete", deleteCompares, onAbsent(deleting)},
	{"ReadDuringDelete", oneStep, onCredential(deleting, peeking)},

	{"CreateSameIDDuringCreate", uniqueCredential, twoCreations(func(c, other *mfa.Credential) { c.ID, c.UserID = other.ID, other.UserID })},
	{"CreateSameIDOfAnotherUserDuringCreate", uniqueCredential, twoCreations(func(c, other *mfa.Credential) { c.ID = other.ID })},
	{"CreateSameKeyDuringCreate", uniqueCredential, twoCreations(func(c, other *mfa.Credential) { c.Key, c.UserID = other.Key, other.UserID })},
	{"CreateSameKeyOfAnotherUserDuringCreate", uniqueCredential, twoCreations(func(c, other *mfa.Credential) { c.Key = other.Key })},
	{"UpdateDuringCreate", uniqueCredential, onTaken(updating, false)},
	{"DeleteDuringCreate", uniqueCredential, onTaken(deleting, true)},
	{"CreateAndDeleteDuringCreate", uniqueCredential, createAndDeleteDuringCreate},
	{"ReadDuringCreate", oneStep, readDuringCreate},
}

// siblingDuels are about two credentials of one user, which a store may keep in
// one document: neither is in the other's way.
var siblingDuels = []duelTest[mfa.Store]{
	{"UpdateSiblingDuringUpdate", apart, onSiblings(updating, updating)},
	{"DeleteSiblingDuringUpdate", apart, onSiblings(updating, deleting)},
	{"CreateSiblingDuringUpdate", apart, onSiblings(updating, enrolling)},
	{"UpdateSiblingDuringDelete", apart, onSiblings(deleting, updating)},
	{"DeleteSiblingDuringDelete", apart, onSiblings(deleting, deleting)},
	{"CreateSiblingDuringDelete", apart, onSiblings(deleting, enrolling)},
	{"UpdateSiblingDuringCreate", apart, onSiblings(enrolling, updating)},
	{"DeleteSiblingDuringCreate", apart, onSiblings(enrolling, deleting)},
	{"CreateSiblingDuringCreate", apart, onSiblings(enrolling, enrolling)},
}

// userDuels are about the optional UserDeleter.
var userDuels = []duelTest[mfa.Store]{
	{"DeleteUserDuringUpdate", deletesUser, deleteUserDuring(updating)},
	{"DeleteUserDuringDelete", deletesUser, deleteUserDuring(deleting)},
	{"UpdateDuringDeleteUser", deletesUser, duringDeleteUser(updating)},
	{"DeleteDuringDeleteUser", deletesUser, duringDeleteUser(deleting)},
}

// onCredential has both moves meet one stored credential.
func onCredential(call, rival func(mfa.Store, mfa.Credential) move) func(*testing.T, mfa.Store) *duel {
	return func(t *testing.T, s mfa.Store) *duel {
		c := createStamped(t, s, random())
		return newDuel(call(s, c), rival(s, c))
	}
}

// onAbsent has a credential that was deleted come back during a stale call.
func onAbsent(call func(mfa.Store, mfa.Credential) move) func(*testing.T, mfa.Store) *duel {
	return func(t *testing.T, s mfa.Store) *duel {
		c := createStamped(t, s, random())
		must(t, "DeleteCredential", s.DeleteCredential(t.Context(), c.UserID, c.ID, c.Version))
		stale := call(s, c)
		stale.left = nil
		return &duel{call: stale, rival: creating(s, stamped(c)), refused: true}
	}
}

// onTaken has the holder of an id and a Key change during a creation with them.
func onTaken(rival func(mfa.Store, mfa.Credential) move, frees bool) func(*testing.T, mfa.Store) *duel {
	return func(t *testing.T, s mfa.Store) *duel {
		c := createStamped(t, s, random())
		d := &duel{call: creating(s, stamped(c)), rival: rival(s, c), refused: true}
		if frees {
			d.both = d.call.left
		} else {
			d.call.left = nil
		}
		return d
	}
}

func twoCreations(alike func(c, other *mfa.Credential)) func(*testing.T, mfa.Store) *duel {
	return func(_ *testing.T, s mfa.Store) *duel {
		c, other := newCredential(random()), newCredential(random())
		alike(&c, &other)
		against := func(c, refused mfa.Credential) move {
			m := creating(s, c)
			m.left = func(t *testing.T, p promise) {
				expectOnly(t, s, p, c.UserID, c)
				expectFree(t, s, p, refused, c)
			}
			return m
		}
		return newDuel(against(c, other), against(other, c))
	}
}

func createAndDeleteDuringCreate(_ *testing.T, s mfa.Store) *duel {
	c := newCredential(random())
	gone := stamped(c)
	rival := inTurn(creating(s, gone), deleting(s, gone))
	d := newDuel(creating(s, c), rival)
	d.both = d.call.left
	return d
}

func readDuringCreate(_ *testing.T, s mfa.Store) *duel {
	c := stamped(newCredential(random()))
	return newDuel(creating(s, c), peeking(s, c))
}

func onSiblings(call, rival func(mfa.Store, mfa.Credential) move) func(*testing.T, mfa.Store) *duel {
	return func(t *testing.T, s mfa.Store) *duel {
		c := createStamped(t, s, random())
		return bothWin(call(s, c), rival(s, createStamped(t, s, c.UserID)))
	}
}

func deleteUserDuring(call func(mfa.Store, mfa.Credential) move) func(*testing.T, mfa.Store) *duel {
	return func(t *testing.T, s mfa.Store) *duel {
		c := createStamped(t, s, random())
		all, ok := deletingUser(s, c.UserID)
		if !ok {
			return nil
		}
		createStamped(t, s, c.UserID)
		one := call(s, c)
		one.left = nil // DeleteUser never loses
		return &duel{call: one, rival: all, both: all.left}
	}
}

func duringDeleteUser(rival func(mfa.Store, mfa.Credential) move) func(*testing.T, mfa.Store) *duel {
	return func(t *testing.T, s mfa.Store) *duel {
		d := deleteUserDuring(rival)(t, s)
		if d != nil {
			d.call, d.rival = d.rival, d.call
		}
		return d
	}
}

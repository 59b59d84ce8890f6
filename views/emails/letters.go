package emails

import "dashtam/services/email"

// letters are all the mails there are, by purpose.
var letters = map[string]func(email.Letter) letter{
	email.Verify: verify, email.Exists: exists, email.Claim: claim, email.Welcome: welcome,
	email.Reset: reset, email.PasswordChanged: passwordChanged,
	email.ConfirmAddress: confirmAddress, email.AddressTaken: addressTaken, email.AddressChanged: addressChanged,
	email.NewSignIn: newSignIn, email.Invitation: invitation, email.NeedsYou: needsYou,
	email.WorksAgain: worksAgain, email.ConsentEnds: consentEnds,
	email.BankPaused: bankPaused,
}

func verify(l email.Letter) letter {
	return letter{
		subject: "Confirm your address for Dashtam",
		before: []string{
			"Somebody, most likely you, signed up for Dashtam with this address.",
			"If it was you, open this page and press the button on it. Then you can sign in.",
		},
		label: "Confirm this address",
		after: []string{
			"The link works once, within " + span(l.Valid) + ". A newer mail replaces it.",
			"If it was not you, do not press it: whoever signed up knows the password of that account. Without this step it opens nothing.",
		},
		kind: asked,
	}
}

func exists(email.Letter) letter {
	return letter{
		subject: "You already have a Dashtam account",
		before: []string{
			"Somebody, most likely you, signed up for Dashtam with this address. It has an account already, so nothing was changed.",
			"This is where you sign in, and where you can choose a new password if you have forgotten yours:",
		},
		label: "Sign in",
		after: []string{"If it was not you, there is nothing to do: whoever it was has not been told that you have an account."},
		kind:  safety,
	}
}

func claim(l email.Letter) letter {
	return letter{
		subject: "You already have a Dashtam account",
		before: []string{
			"Somebody, most likely you, signed up for Dashtam with this address more than once, and the address was never confirmed.",
			"So no password opens the account any more. Choose one here, and it is yours alone, whoever signed up first:",
		},
		label: "Choose a password",
		after: []string{
			"The link works once, within " + span(l.Valid) + ".",
			"If it was not you, there is nothing to do: without this step the account opens nothing.",
		},
		kind: asked,
	}
}

func welcome(email.Letter) letter {
	return letter{
		subject: "Your Dashtam account is ready",
		before: []string{
			"Your address is confirmed. From now on it is what you sign in with.",
			"Dashtam reads what your banks know about you and keeps it as a ledger. It never sees your bank password and never moves money. Begin by connecting a bank:",
		},
		label: "Sign in",
		after: []string{"You can stop at any time: disconnecting a bank ends our access at once."},
		kind:  greeting,
	}
}

func reset(l email.Letter) letter {
	return letter{
		subject: "Choose a new password for Dashtam",
		before: []string{
			"Somebody, most likely you, asked for a new password for the Dashtam account of this address.",
			"Choose it here:",
		},
		label: "Choose a new password",
		after: []string{
			"The link works once, within " + span(l.Valid) + ". A newer mail replaces it, and so does any change of the password.",
			"If it was not you, there is nothing to do: without this step nothing changes, and whoever it was cannot read this mail.",
		},
		kind: asked,
	}
}

func passwordChanged(email.Letter) letter {
	return letter{
		subject: "Your Dashtam password was changed",
		before: []string{
			"The password of your Dashtam account is a new one. Every other device was signed out.",
			"If it was you, there is nothing to do. If it was not, take your account back here, now:",
		},
		label: "Choose another password",
		after: []string{"That page mails you a link. Whoever opens it can choose the password, so look after this mailbox, too."},
		kind:  safety,
	}
}

func confirmAddress(l email.Letter) letter {
	return letter{
		subject: "Confirm your new address for Dashtam",
		before: []string{
			"Somebody, most likely you, wants to sign in to their Dashtam account with this address from now on.",
			"Open this page and press the button on it:",
		},
		label: "Confirm this address",
		after: []string{
			"The link works once, within " + span(l.Valid) + ". Until then nothing changes.",
			"If it was not you, there is nothing to do: without this step the address is not used.",
		},
		kind: asked,
	}
}

func addressTaken(email.Letter) letter {
	return letter{
		subject: "Somebody wanted to use your address at Dashtam",
		before: []string{
			"Somebody with another Dashtam account, perhaps you, wanted to sign in with this address from now on. It has an account already, so nothing was changed.",
			"This is where you sign in to yours:",
		},
		label: "Sign in",
		after: []string{"If it was not you, there is nothing to do: whoever it was has not been told that you have an account."},
		kind:  safety,
	}
}

func addressChanged(l email.Letter) letter {
	return letter{
		subject: "Your Dashtam account has another address now",
		before: []string{
			"Your Dashtam account is no longer entered with this address, but with another one, which was confirmed.",
			"If that was you, there is nothing to do. If it was not, take it back here:",
		},
		label: "This was not me",
		after: []string{
			"For " + span(l.Valid) + " after the change this link gives the account back to this address. It signs everybody out, makes the password useless, and mails you a link to choose another.",
		},
		kind: safety,
	}
}

func newSignIn(email.Letter) letter {
	return letter{
		subject: "New sign-in to your Dashtam account",
		before:  []string{"Somebody, most likely you, signed in to your account. It was not as usual, so we tell you."},
		label:   "See where you are signed in",
		after: []string{
			"If it was you, there is nothing to do.",
			"If it was not, that page ends the session. Then change your password, because whoever it was knows it.",
		},
		kind: safety,
	}
}

func invitation(l email.Letter) letter {
	return letter{
		subject: "You are invited to Dashtam",
		before: []string{
			"Whoever runs this Dashtam has invited you to it. Dashtam reads what your banks know about you and keeps it as a ledger. It never sees your bank password and never moves money.",
			"Choose a name and a password here:",
		},
		label: "Accept the invitation",
		after: []string{
			"The link works once, within " + span(l.Valid) + ".",
			"If you do not want an account, there is nothing to do: none was made.",
		},
		kind: asked,
	}
}

func needsYou(email.Letter) letter {
	return letter{
		subject: "A bank asks for you",
		before: []string{
			"One of your connections has stopped: the bank wants you to give your permission again. What was fetched before is still there.",
		},
		label: "Open the connection",
		after: []string{"It takes about a minute. Until then nothing new is fetched from this bank."},
		kind:  upkeep,
	}
}

func bankPaused(email.Letter) letter {
	return letter{
		subject: "A bank is paused for everybody",
		before: []string{
			"A bank refuses every one of its connections, or Dashtam itself. It is left alone as a whole, and none of its customers is asked to do anything.",
		},
		label: "See the connections",
		after: []string{
			"Dashtam tries one connection from time to time and goes on by itself once that works.",
			"If the bank refuses Dashtam itself, the client it knows us by has to be looked at.",
		},
		kind: incident,
	}
}

func worksAgain(email.Letter) letter {
	return letter{
		subject: "A bank works again",
		before:  []string{"One of your connections had stopped and needed you. It works again, and what was missing has been fetched."},
		label:   "Open the connection",
		after:   []string{"There is nothing left to do."},
		kind:    repaired,
	}
}

func consentEnds(email.Letter) letter {
	return letter{
		subject: "A bank will soon ask for you",
		before: []string{
			"One of your banks lets Dashtam read for a limited time, which is nearly over.",
			"Renew it before then, and nothing is interrupted: what you allowed works until the bank has said yes again.",
		},
		label: "Renew",
		after: []string{"It takes about a minute, at the bank itself. If you do nothing, nothing new is fetched from then on. What was fetched before stays."},
		kind:  ahead,
	}
}

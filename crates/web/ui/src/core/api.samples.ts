// Made from crates/app/src/api by a test (crates/app/src/api/tests/typescript.rs). Do not edit.

import type { Answer, Body, ChatWith, Command, Delivery, Event, GroupAction, Query } from './api';

export const samplesOfAnswer: Answer[] = [
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "connection": {
      "state": "online"
    },
    "device": 1,
    "outbox": 4,
    "pending": 3,
    "protection": "keyFile",
    "server": "h:1",
    "serverKey": "ab",
    "serverTrust": "firstUse",
    "type": "status",
    "unread": 2,
    "username": "alice"
  },
  {
    "contacts": [
      {
        "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
        "blocked": true,
        "contact": true,
        "lastMessage": {
          "body": {
            "kind": "text",
            "text": "hi"
          },
          "delivery": "delivered",
          "device": 1,
          "direction": "incoming",
          "from": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
          "id": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff",
          "order": 7,
          "sentAtMs": 1700000000000,
          "storedAtMs": 1700000000250,
          "with": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
        },
        "name": "Bob",
        "trust": {
          "atMs": 5,
          "state": "changed"
        },
        "unread": 1,
        "username": "bob"
      }
    ],
    "type": "contacts"
  },
  {
    "contact": null,
    "type": "contact"
  },
  {
    "messages": [
      {
        "body": {
          "kind": "text",
          "text": "hi"
        },
        "delivery": "delivered",
        "device": 1,
        "direction": "incoming",
        "from": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
        "id": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff",
        "order": 7,
        "sentAtMs": 1700000000000,
        "storedAtMs": 1700000000250,
        "with": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
      }
    ],
    "type": "messages"
  },
  {
    "number": "12345",
    "trust": {
      "state": "firstUse"
    },
    "type": "safetyNumber"
  },
  {
    "devices": [
      {
        "device": 2,
        "lastSeenMs": 3600000,
        "linkedAtMs": 5,
        "name": "laptop",
        "place": "192.0.2.1",
        "this": true
      }
    ],
    "type": "devices"
  },
  {
    "chats": [
      {
        "archived": false,
        "conversation": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
        "mutedUntilMs": 18446744073709551615,
        "pinned": true,
        "request": true,
        "unread": 1,
        "with": {
          "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
          "blocked": false,
          "kind": "contact",
          "trust": {
            "state": "verified"
          },
          "username": "bob"
        }
      }
    ],
    "type": "chats"
  },
  {
    "chat": null,
    "type": "chat"
  },
  {
    "receipts": [
      {
        "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
        "atMs": 5,
        "deliveredAtMs": 4,
        "delivery": "read",
        "readAtMs": 5,
        "username": "bob"
      }
    ],
    "type": "receipts"
  },
  {
    "lists": [
      {
        "id": "07",
        "members": [
          "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
        ],
        "name": "all"
      }
    ],
    "type": "lists"
  },
  {
    "settings": [
      {
        "key": "theme",
        "value": "dark"
      }
    ],
    "type": "settings"
  },
  {
    "message": {
      "body": {
        "kind": "text",
        "text": "hi"
      },
      "delivery": "delivered",
      "device": 1,
      "direction": "incoming",
      "from": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
      "id": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff",
      "missingBefore": 3,
      "order": 7,
      "sentAtMs": 1700000000000,
      "storedAtMs": 1700000000250,
      "with": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
    },
    "type": "message"
  },
  {
    "hits": [
      {
        "message": {
          "body": {
            "kind": "text",
            "text": "hi"
          },
          "delivery": "delivered",
          "device": 1,
          "direction": "incoming",
          "from": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
          "id": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff",
          "order": 7,
          "sentAtMs": 1700000000000,
          "storedAtMs": 1700000000250,
          "with": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
        },
        "snippet": [
          {
            "marked": true,
            "text": "h"
          },
          {
            "text": "i"
          }
        ]
      }
    ],
    "next": 5,
    "type": "hits"
  },
  {
    "hits": [],
    "next": null,
    "type": "hits"
  },
  {
    "profile": {
      "about": "sea",
      "name": "Zoe",
      "noGroups": true,
      "picture": "AA==",
      "presence": true
    },
    "type": "profile"
  },
  {
    "about": {
      "who": "contacts"
    },
    "groups": {
      "who": "everyone"
    },
    "lastSeen": {
      "who": "nobody"
    },
    "online": {
      "who": "likeLastSeen"
    },
    "picture": {
      "who": "everyone"
    },
    "receipts": false,
    "status": {
      "accounts": [
        "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
      ],
      "who": "only"
    },
    "type": "privacy"
  },
  {
    "type": "statusUpdates",
    "updates": [
      {
        "author": {
          "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
          "username": null
        },
        "conversation": "s:b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
        "messages": [
          {
            "body": {
              "kind": "text",
              "text": "hi"
            },
            "delivery": "delivered",
            "device": 1,
            "direction": "incoming",
            "from": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
            "id": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff",
            "order": 7,
            "sentAtMs": 1700000000000,
            "storedAtMs": 1700000000250,
            "with": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
          }
        ],
        "mutedUntilMs": 0,
        "unseen": 1
      }
    ]
  },
  {
    "acknowledged": 0,
    "entries": [
      {
        "atMs": 5,
        "id": 1,
        "message": {
          "body": {
            "kind": "text",
            "text": "hi"
          },
          "delivery": "delivered",
          "device": 1,
          "direction": "incoming",
          "from": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
          "id": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff",
          "order": 7,
          "sentAtMs": 1700000000000,
          "storedAtMs": 1700000000250,
          "with": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
        },
        "what": "message"
      },
      {
        "atMs": 5,
        "delivery": "read",
        "id": 2,
        "message": {
          "body": {
            "kind": "text",
            "text": "hi"
          },
          "delivery": "delivered",
          "device": 1,
          "direction": "incoming",
          "from": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
          "id": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff",
          "order": 7,
          "sentAtMs": 1700000000000,
          "storedAtMs": 1700000000250,
          "with": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
        },
        "what": "delivery"
      },
      {
        "atMs": 5,
        "id": 3,
        "what": "gone"
      },
      {
        "atMs": 5,
        "device": 2,
        "done": {
          "atMs": 6,
          "by": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
          "emoji": "",
          "what": "react"
        },
        "id": 4,
        "message": {
          "body": {
            "kind": "text",
            "text": "hi"
          },
          "delivery": "delivered",
          "device": 1,
          "direction": "incoming",
          "from": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
          "id": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff",
          "order": 7,
          "sentAtMs": 1700000000000,
          "storedAtMs": 1700000000250,
          "with": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
        },
        "what": "act"
      }
    ],
    "newest": 3,
    "type": "journal"
  },
  {
    "group": null,
    "type": "group"
  },
  {
    "groups": [
      {
        "admin": true,
        "community": "g:08080808080808080808080808080808",
        "description": "up",
        "epoch": 4,
        "group": "g:07070707070707070707070707070707",
        "kind": "group",
        "link": "waxwing-group:a4dqobyha4dqobyha4dqobyha4eqscijbeeqscijbeeqscijbee76qab",
        "linked": [],
        "member": true,
        "members": [
          {
            "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
            "admin": true,
            "name": "somebody",
            "username": null
          },
          {
            "account": "c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0",
            "admin": false,
            "name": "somebody",
            "username": null
          }
        ],
        "name": "hikes",
        "permissions": {
          "add": "everybody",
          "approve": false,
          "edit": "everybody",
          "send": "admins"
        },
        "picture": "AAEC",
        "requests": [
          {
            "account": "c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0",
            "name": "somebody",
            "username": null
          }
        ]
      }
    ],
    "type": "groups"
  }
];

export const samplesOfBody: Body[] = [
  {
    "kind": "waiting"
  },
  {
    "kind": "lost"
  },
  {
    "kind": "unknown"
  },
  {
    "kind": "notice",
    "notice": {
      "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
      "what": "identityChanged"
    }
  },
  {
    "kind": "notice",
    "notice": {
      "actions": [
        {
          "kind": "group",
          "name": "n",
          "what": "create"
        },
        {
          "enabled": false,
          "what": "link"
        }
      ],
      "atMs": 3,
      "by": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
      "device": 2,
      "what": "groupChanged"
    }
  },
  {
    "kind": "notice",
    "notice": {
      "by": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
      "what": "joined"
    }
  },
  {
    "kind": "notice",
    "notice": {
      "by": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
      "seconds": 60,
      "what": "lifetime"
    }
  },
  {
    "kind": "notice",
    "notice": {
      "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
      "what": "groupForked"
    }
  },
  {
    "kind": "notice",
    "notice": {
      "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
      "what": "serverDisagrees"
    }
  }
];

export const samplesOfChatWith: ChatWith[] = [
  {
    "groupKind": "group",
    "kind": "group",
    "member": true,
    "members": 3,
    "name": "hikes"
  }
];

export const samplesOfCommand: Command[] = [
  {
    "invitation": "abc",
    "server": "h:1",
    "type": "register",
    "username": "bob"
  },
  {
    "type": "addContact",
    "username": "bob"
  },
  {
    "entries": [
      {
        "addresses": [
          "bob@example.org"
        ],
        "name": "Bob"
      }
    ],
    "type": "lookUpContacts"
  },
  {
    "type": "findable"
  },
  {
    "set": true,
    "type": "findable"
  },
  {
    "code": "abc",
    "type": "redeemAddress"
  },
  {
    "post": {
      "text": "hi"
    },
    "to": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "type": "send"
  },
  {
    "type": "markRead",
    "upTo": 7,
    "with": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
  },
  {
    "type": "markInboxRead",
    "upTo": 7,
    "with": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
  },
  {
    "messages": [
      "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff"
    ],
    "type": "acknowledgeInbox"
  },
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "type": "setVerified",
    "verified": true
  },
  {
    "name": "laptop",
    "server": "h:1",
    "type": "offerLink"
  },
  {
    "type": "cancelLink"
  },
  {
    "code": "abcde",
    "history": "month",
    "type": "approveLink"
  },
  {
    "type": "refreshDevices"
  },
  {
    "device": 2,
    "name": "laptop",
    "type": "renameDevice"
  },
  {
    "device": 2,
    "type": "removeDevice"
  },
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "name": "Bob",
    "type": "setContactName"
  },
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "blocked": true,
    "type": "setBlocked"
  },
  {
    "message": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff",
    "starred": true,
    "type": "setStarred"
  },
  {
    "messages": [
      "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff"
    ],
    "type": "deleteMessages"
  },
  {
    "key": "theme",
    "type": "setSetting",
    "value": null
  },
  {
    "change": {
      "value": true,
      "what": "archived"
    },
    "conversation": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "type": "setChat"
  },
  {
    "change": {
      "value": false,
      "what": "pinned"
    },
    "conversation": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "type": "setChat"
  },
  {
    "change": {
      "value": 9,
      "what": "mutedUntilMs"
    },
    "conversation": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "type": "setChat"
  },
  {
    "change": {
      "what": "cleared"
    },
    "conversation": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "type": "setChat"
  },
  {
    "list": {
      "id": null,
      "members": [
        "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
      ],
      "name": "all"
    },
    "type": "setList"
  },
  {
    "list": "07",
    "type": "deleteList"
  },
  {
    "list": "07",
    "post": {
      "text": "hi"
    },
    "type": "sendToList"
  },
  {
    "type": "keepJournal"
  },
  {
    "type": "acknowledgeJournal",
    "upTo": 7
  },
  {
    "command": {
      "type": "cancelLink"
    },
    "key": "k",
    "type": "once"
  },
  {
    "activity": "active",
    "type": "setActivity"
  },
  {
    "accounts": [
      "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
    ],
    "type": "watchPresence"
  },
  {
    "type": "compose",
    "what": "recording",
    "with": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
  },
  {
    "type": "goOnline"
  },
  {
    "type": "goOffline"
  },
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "type": "accept"
  },
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "type": "removeContact"
  },
  {
    "change": {
      "value": "AAAA",
      "what": "picture"
    },
    "type": "setProfile"
  },
  {
    "audience": {
      "accounts": [
        "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
      ],
      "who": "contactsExcept"
    },
    "setting": "lastSeen",
    "type": "setPrivacy"
  },
  {
    "post": {
      "text": "hi"
    },
    "type": "postStatus"
  },
  {
    "kind": "community",
    "members": [
      "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
    ],
    "name": "hikes",
    "type": "createGroup"
  },
  {
    "actions": [],
    "group": "g:07070707070707070707070707070707",
    "type": "changeGroup"
  },
  {
    "enabled": true,
    "group": "g:07070707070707070707070707070707",
    "type": "setGroupLink"
  },
  {
    "link": "waxwing-group:",
    "type": "joinGroup"
  },
  {
    "accept": false,
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "group": "g:07070707070707070707070707070707",
    "type": "answerJoin"
  },
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "group": "g:07070707070707070707070707070707",
    "messages": 25,
    "type": "shareHistory"
  }
];

export const samplesOfDelivery: Delivery[] = [
  "pending",
  "sent",
  "delivered",
  "read",
  "failed"
];

export const samplesOfEvent: Event[] = [
  {
    "command": 3,
    "type": "done"
  },
  {
    "command": 3,
    "message": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff",
    "type": "done"
  },
  {
    "command": 4,
    "failure": {
      "code": "unknownContact",
      "detail": "no such contact",
      "fault": "user",
      "retryAfterMs": 0
    },
    "type": "failed"
  },
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "device": 1,
    "type": "registered"
  },
  {
    "message": {
      "body": {
        "kind": "text",
        "text": "hi"
      },
      "delivery": "delivered",
      "device": 1,
      "direction": "incoming",
      "from": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
      "id": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff",
      "order": 7,
      "sentAtMs": 1700000000000,
      "storedAtMs": 1700000000250,
      "with": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
    },
    "type": "message"
  },
  {
    "message": {
      "body": {
        "kind": "text",
        "text": "hi"
      },
      "delivery": "delivered",
      "device": 1,
      "direction": "incoming",
      "from": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
      "id": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff",
      "order": 7,
      "sentAtMs": 1700000000000,
      "storedAtMs": 1700000000250,
      "with": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
    },
    "type": "messageFilled"
  },
  {
    "delivery": "read",
    "message": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff",
    "type": "delivery",
    "with": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
  },
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "type": "identityChanged"
  },
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "device": 2,
    "missing": 3,
    "type": "gap"
  },
  {
    "code": "abcde",
    "qr": "WAXWING-LINK:A",
    "type": "linkCode"
  },
  {
    "devices": [
      {
        "device": 2,
        "lastSeenMs": 3600000,
        "linkedAtMs": 5,
        "name": "laptop",
        "place": "192.0.2.1",
        "this": true
      }
    ],
    "type": "devices"
  },
  {
    "type": "removed"
  },
  {
    "device": 2,
    "done": false,
    "messages": 3,
    "sending": true,
    "total": 4,
    "type": "archive"
  },
  {
    "messages": [
      "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff"
    ],
    "type": "deleted"
  },
  {
    "type": "stateChanged"
  },
  {
    "addresses": 4,
    "command": 3,
    "found": [
      {
        "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
        "name": "Bob"
      }
    ],
    "type": "contactsFound"
  },
  {
    "addresses": 1,
    "command": 3,
    "on": true,
    "type": "findable"
  },
  {
    "messages": 2,
    "type": "skipped"
  },
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "type": "composing",
    "what": "typing",
    "with": "g:07"
  },
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "presence": {
      "state": "unknown"
    },
    "type": "presence"
  },
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "presence": {
      "state": "online"
    },
    "type": "presence"
  },
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "presence": {
      "atMs": 7,
      "state": "lastSeen"
    },
    "type": "presence"
  },
  {
    "type": "restoredCopy"
  },
  {
    "detail": "full",
    "type": "storageFailed"
  },
  {
    "type": "storageRecovered"
  },
  {
    "type": "overrun"
  },
  {
    "connection": {
      "state": "offline"
    },
    "type": "connection"
  },
  {
    "connection": {
      "state": "connecting"
    },
    "type": "connection"
  },
  {
    "connection": {
      "state": "online"
    },
    "type": "connection"
  },
  {
    "connection": {
      "code": "notRegistered",
      "state": "refused"
    },
    "type": "connection"
  },
  {
    "connection": {
      "state": "waiting",
      "untilMs": 9
    },
    "type": "connection"
  },
  {
    "connection": {
      "reason": {
        "code": "unreachable",
        "detail": "no"
      },
      "state": "waiting",
      "untilMs": 9
    },
    "type": "connection"
  },
  {
    "group": "g:07070707070707070707070707070707",
    "type": "group"
  },
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "group": "g:07070707070707070707070707070707",
    "type": "joinRequested"
  }
];

export const samplesOfGroupAction: GroupAction[] = [
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "admin": true,
    "what": "add"
  },
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "what": "remove"
  },
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "what": "promote"
  },
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "what": "demote"
  },
  {
    "name": "n",
    "what": "name"
  },
  {
    "text": "d",
    "what": "description"
  },
  {
    "picture": "AAEC",
    "what": "picture"
  },
  {
    "permissions": {
      "add": "admins",
      "approve": true,
      "edit": "admins",
      "send": "everybody"
    },
    "what": "permissions"
  },
  {
    "linked": {
      "group": "g:07070707070707070707070707070707",
      "link": null,
      "name": "n"
    },
    "what": "linkGroup"
  },
  {
    "group": "g:07070707070707070707070707070707",
    "what": "unlinkGroup"
  },
  {
    "community": "g:07070707070707070707070707070707",
    "what": "community"
  }
];

export const samplesOfQuery: Query[] = [
  {
    "type": "status"
  },
  {
    "type": "contacts"
  },
  {
    "name": "bob",
    "type": "contact"
  },
  {
    "before": 7,
    "limit": 20,
    "type": "history",
    "with": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
  },
  {
    "id": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff",
    "type": "message"
  },
  {
    "limit": 5,
    "type": "inbox"
  },
  {
    "account": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "type": "safetyNumber"
  },
  {
    "type": "devices"
  },
  {
    "type": "chats"
  },
  {
    "name": "bob",
    "type": "chat"
  },
  {
    "order": 7,
    "type": "messageAt"
  },
  {
    "message": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0-1-00000000000000ff",
    "type": "receipts"
  },
  {
    "type": "starred"
  },
  {
    "type": "lists"
  },
  {
    "type": "settings"
  },
  {
    "after": 7,
    "before": null,
    "limit": 20,
    "type": "history",
    "with": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
  },
  {
    "before": 7,
    "from": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "kind": "link",
    "limit": 20,
    "sinceMs": 1,
    "text": "hi",
    "type": "search",
    "untilMs": 2,
    "with": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0"
  },
  {
    "type": "profile"
  },
  {
    "type": "privacy"
  },
  {
    "type": "statusUpdates"
  },
  {
    "after": 3,
    "limit": 9,
    "type": "journal"
  },
  {
    "from": "b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0",
    "sentAtMs": 5,
    "type": "messageSentAt",
    "with": null
  },
  {
    "type": "groups"
  },
  {
    "name": "g:07070707070707070707070707070707",
    "type": "group"
  }
];

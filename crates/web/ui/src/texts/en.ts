// One line for each area of the program; `de.ts` and `ar.ts` hold the same ones.
import chats from '../../messages/en/chats.json'
import common from '../../messages/en/common.json'
import compose from '../../messages/en/compose.json'
import conversation from '../../messages/en/conversation.json'
import groups from '../../messages/en/groups.json'
import habits from '../../messages/en/habits.json'
import people from '../../messages/en/people.json'
import settings from '../../messages/en/settings.json'
import start from '../../messages/en/start.json'
import status from '../../messages/en/status.json'

export default { ...common, ...start, ...chats, ...conversation, ...settings, ...habits, ...compose, ...groups, ...people, ...status }

// As `en.ts`.
import chats from '../../messages/de/chats.json'
import common from '../../messages/de/common.json'
import compose from '../../messages/de/compose.json'
import conversation from '../../messages/de/conversation.json'
import groups from '../../messages/de/groups.json'
import habits from '../../messages/de/habits.json'
import people from '../../messages/de/people.json'
import settings from '../../messages/de/settings.json'
import start from '../../messages/de/start.json'
import status from '../../messages/de/status.json'

export default { ...common, ...start, ...chats, ...conversation, ...settings, ...habits, ...compose, ...groups, ...people, ...status }

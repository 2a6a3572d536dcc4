// As `en.ts`.
import chats from '../../messages/ar/chats.json'
import common from '../../messages/ar/common.json'
import compose from '../../messages/ar/compose.json'
import conversation from '../../messages/ar/conversation.json'
import groups from '../../messages/ar/groups.json'
import habits from '../../messages/ar/habits.json'
import people from '../../messages/ar/people.json'
import settings from '../../messages/ar/settings.json'
import start from '../../messages/ar/start.json'
import status from '../../messages/ar/status.json'

export default { ...common, ...start, ...chats, ...conversation, ...settings, ...habits, ...compose, ...groups, ...people, ...status }

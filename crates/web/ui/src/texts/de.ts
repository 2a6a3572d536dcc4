// As `en.ts`.
import chats from '../../messages/de/chats.json'
import common from '../../messages/de/common.json'
import conversation from '../../messages/de/conversation.json'
import habits from '../../messages/de/habits.json'
import settings from '../../messages/de/settings.json'
import start from '../../messages/de/start.json'

export default { ...common, ...start, ...chats, ...conversation, ...settings, ...habits }

// As `en.ts`.
import chats from '../../messages/de/chats.json'
import common from '../../messages/de/common.json'
import conversation from '../../messages/de/conversation.json'
import start from '../../messages/de/start.json'

export default { ...common, ...start, ...chats, ...conversation }

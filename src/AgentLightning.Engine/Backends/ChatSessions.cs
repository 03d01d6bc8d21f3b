using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.Backends;

/// <summary>What was said in the latest sessions, in memory. Old sessions, and the beginnings of long ones, are forgotten.</summary>
internal sealed class ChatSessions(int mostCharacters)
{
    private const int MostSessions = 1_000;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkedListNode<(string Id, List<ChatMessage> Messages)>> _sessions = new(StringComparer.Ordinal);
    private readonly LinkedList<(string Id, List<ChatMessage> Messages)> _order = [];

    public IReadOnlyList<ChatMessage> Of(string id)
    {
        lock (_lock)
        {
            return _sessions.TryGetValue(id, out var session) ? [.. session.Value.Messages] : [];
        }
    }

    public void Add(string id, string question, string answer)
    {
        lock (_lock)
        {
            if (_sessions.Remove(id, out var session))
            {
                _order.Remove(session);
            }
            else
            {
                session = new LinkedListNode<(string Id, List<ChatMessage> Messages)>((id, []));
            }

            var messages = session.Value.Messages;
            messages.AddRange([new ChatMessage(ChatRole.User, question), new ChatMessage(ChatRole.Assistant, answer)]);
            while (messages.Count > 2 && messages.Sum(message => message.Text.Length) > mostCharacters)
            {
                messages.RemoveRange(0, 2);
            }

            _order.AddLast(session);
            _sessions[id] = session;
            if (_order.Count > MostSessions)
            {
                _sessions.Remove(_order.First!.Value.Id);
                _order.RemoveFirst();
            }
        }
    }
}

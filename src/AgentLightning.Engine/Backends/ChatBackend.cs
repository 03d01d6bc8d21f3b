using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.Backends;

/// <summary>
/// A model that was chosen by an <see cref="BackendLoader"/>, with the memory of its sessions. Safe for many threads at once.
/// </summary>
public sealed class ChatBackend : IDisposable
{
    /// <summary>Characters of a token, on the low side, to judge what still fits.</summary>
    private const int CharactersPerToken = 3;

    private readonly ChatSessions _sessions;

    internal ChatBackend(BackendSettings settings, IChatClient client)
    {
        Settings = settings;
        Chat = new SettingsChatClient(client, settings);
        _sessions = new ChatSessions(settings.ContextWindow * CharactersPerToken);
    }

    public BackendSettings Settings { get; }

    /// <summary>The model itself, with the settings as defaults and without memory.</summary>
    public IChatClient Chat { get; }

    /// <summary>Tokens that a conversation can have.</summary>
    public int ContextWindow => Settings.ContextWindow;

    /// <exception cref="Common.LightningException">The model is not found, does not fit the machine, or does not answer; the message says
    /// which.</exception>
    public async Task<AgentResponse> InvokeAsync(AgentPayload payload, CancellationToken cancellationToken = default)
    {
        var answer = await Chat.GetResponseAsync(MessagesOf(payload), OptionsOf(payload), cancellationToken).ConfigureAwait(false);
        var (thinking, response) = Reasoning.Split(answer.Text);
        var thoughts = answer
            .Messages.SelectMany(message => message.Contents)
            .OfType<TextReasoningContent>()
            .Select(thought => thought.Text)
            .Append(thinking)
            .Where(text => text.Length > 0);
        Remember(payload, response);
        return new AgentResponse(
            string.Join("\n", thoughts),
            response,
            [.. answer.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>()],
            answer.Usage
        );
    }

    /// <summary>
    /// The answer in pieces as the model makes them, thoughts and all. It is remembered when it has been read to its end.
    /// </summary>
    public async IAsyncEnumerable<string> StreamAsync(
        AgentPayload payload,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        var text = new StringBuilder();
        await foreach (
            var update in Chat.GetStreamingResponseAsync(MessagesOf(payload), OptionsOf(payload), cancellationToken).ConfigureAwait(false)
        )
        {
            if (update.Text.Length > 0)
            {
                text.Append(update.Text);
                yield return update.Text;
            }
        }

        Remember(payload, Reasoning.Split(text.ToString()).Response);
    }

    public void Dispose() => Chat.Dispose();

    private List<ChatMessage> MessagesOf(AgentPayload payload)
    {
        List<ChatMessage> messages = [];
        var context = string.Join("\n\n", new[] { payload.SystemContext, payload.UserProfile }.Where(text => text.Length > 0));
        if (context.Length > 0)
        {
            messages.Add(new ChatMessage(ChatRole.System, context));
        }

        messages.AddRange(payload.Memory ?? (payload.SessionId.Length > 0 ? _sessions.Of(payload.SessionId) : []));
        messages.Add(new ChatMessage(ChatRole.User, payload.UserMessage));
        return messages;
    }

    private static ChatOptions OptionsOf(AgentPayload payload) =>
        new()
        {
            ConversationId = payload.SessionId.Length > 0 ? payload.SessionId : null,
            MaxOutputTokens = payload.MaxTokens,
            Tools = payload.Tools.Count > 0 ? [.. payload.Tools] : null,
            Reasoning = payload.ReasoningEffort is null
                ? null
                : new ReasoningOptions { Effort = Reasoning.EffortOf(payload.ReasoningEffort) },
        };

    private void Remember(AgentPayload payload, string response)
    {
        if (payload.SessionId.Length > 0)
        {
            _sessions.Add(payload.SessionId, payload.UserMessage, response);
        }
    }
}

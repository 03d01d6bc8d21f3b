using System.Runtime.CompilerServices;
using AgentLightning.Common;
using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.ChatServers;

/// <summary>
/// A chat client of any OpenAI-compatible server: plain and streamed answers, tools, images, JSON schemas, usage. Safe for many threads at
/// once.
/// </summary>
/// <remarks>
/// The library speaks the protocol. What is added here: whatever fails is a <see cref="LightningException"/> that names server and model
/// and quotes what the server says of it, without the key; an answer has a limit of time; what the protocol cannot say is an error and
/// not left out. A conversation id is not sent: every request carries its whole conversation.
/// </remarks>
public sealed class ChatServerClient : DelegatingChatClient
{
    private readonly ChatServerOptions _options;
    private readonly TimeProvider _clock;
    private readonly ChatServerConnection _connection;

    /// <exception cref="LightningException">An option is wrong.</exception>
    public ChatServerClient(ChatServerOptions options, TimeProvider? clock = null)
        : this(options, clock ?? TimeProvider.System, new ChatServerConnection(options)) { }

    private ChatServerClient(ChatServerOptions options, TimeProvider clock, ChatServerConnection connection)
        : base(connection.Chat)
    {
        (_options, _clock, _connection) = (options, clock, connection);
    }

    public override async Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(messages);
        var (said, asked) = (ChatServerRequest.MessagesOf(messages), ChatServerRequest.OptionsOf(options, _options.BaseUrl));
        using var limit = new CancellationTokenSource(_options.Timeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        try
        {
            return await base.GetResponseAsync(said, asked, either.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (ChatServerErrors.Of(e, _options, ModelOf(options), IsLate(limit, cancellationToken)) is { } error)
        {
            throw error;
        }
    }

    public override async IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default
    )
    {
        ArgumentNullException.ThrowIfNull(messages);
        var (said, asked) = (ChatServerRequest.MessagesOf(messages), ChatServerRequest.OptionsOf(options, _options.BaseUrl));
        using var limit = new CancellationTokenSource(_options.Timeout, _clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var finished = false;
        var updates = base.GetStreamingResponseAsync(said, asked, either.Token).GetAsyncEnumerator(either.Token);
        await using (updates.ConfigureAwait(false))
        {
            while (await NextAsync().ConfigureAwait(false))
            {
                finished |= updates.Current.FinishReason is not null;
                yield return updates.Current;
                limit.CancelAfter(_options.Timeout);
            }
        }

        if (!finished)
        {
            throw new LightningException(
                ErrorKind.Unavailable,
                $"{ModelOf(options)} at {_options.BaseUrl} ended its answer before it was finished."
            );
        }

        async Task<bool> NextAsync()
        {
            try
            {
                return await updates.MoveNextAsync().ConfigureAwait(false);
            }
            catch (Exception e) when (ChatServerErrors.Of(e, _options, ModelOf(options), IsLate(limit, cancellationToken)) is { } error)
            {
                throw error;
            }
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _connection.Dispose();
        }

        base.Dispose(disposing);
    }

    private static bool IsLate(CancellationTokenSource limit, CancellationToken cancellationToken) =>
        limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested;

    private string ModelOf(ChatOptions? options) => options?.ModelId ?? _options.Model;
}

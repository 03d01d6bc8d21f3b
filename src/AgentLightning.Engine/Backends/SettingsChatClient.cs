using Microsoft.Extensions.AI;

namespace AgentLightning.Engine.Backends;

/// <summary>Puts the back end's settings where a request says nothing.</summary>
internal sealed class SettingsChatClient(IChatClient inner, BackendSettings settings) : DelegatingChatClient(inner)
{
    public override Task<ChatResponse> GetResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => base.GetResponseAsync(messages, With(options), cancellationToken);

    public override IAsyncEnumerable<ChatResponseUpdate> GetStreamingResponseAsync(
        IEnumerable<ChatMessage> messages,
        ChatOptions? options = null,
        CancellationToken cancellationToken = default
    ) => base.GetStreamingResponseAsync(messages, With(options), cancellationToken);

    private ChatOptions With(ChatOptions? options)
    {
        var all = options?.Clone() ?? new ChatOptions();
        all.Temperature ??= (float?)settings.Temperature;
        if (settings.IsLocal)
        {
            // The length is left to the model, which knows how much its context leaves.
            (all.TopP, all.TopK) = (all.TopP ?? 0.9f, all.TopK ?? 50);
        }
        else
        {
            all.MaxOutputTokens ??= settings.MaxTokens;
            all.Reasoning ??=
                settings.Effort is null && !settings.Summary
                    ? null
                    : new ReasoningOptions
                    {
                        Effort = Reasoning.EffortOf(settings.Effort),
                        Output = settings.Summary ? ReasoningOutput.Summary : null,
                    };
        }

        return all;
    }
}

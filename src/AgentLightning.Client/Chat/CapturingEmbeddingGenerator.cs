using System.Globalization;
using AgentLightning.Common;
using AgentLightning.Episodes;
using Microsoft.Extensions.AI;

namespace AgentLightning.Client.Chat;

/// <summary>Captures each call as an episode: the texts and how many vectors of what length came. The vectors are not kept.</summary>
internal sealed class CapturingEmbeddingGenerator(
    IEmbeddingGenerator<string, Embedding<float>> inner,
    LightningClient lightning,
    string agentId
) : DelegatingEmbeddingGenerator<string, Embedding<float>>(inner)
{
    public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values,
        EmbeddingGenerationOptions? options = null,
        CancellationToken cancellationToken = default
    )
    {
        if (!lightning.Enabled || !lightning.Options.CaptureEmbeddings)
        {
            return await base.GenerateAsync(values, options, cancellationToken).ConfigureAwait(false);
        }

        var texts = values as IReadOnlyCollection<string> ?? [.. values];
        var (start, now) = (lightning.Time.GetTimestamp(), lightning.Time.GetUtcNow());
        GeneratedEmbeddings<Embedding<float>> made;
        try
        {
            made = await base.GenerateAsync(texts, options, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Capture(texts, now, start, options, null, e);
            throw;
        }

        Capture(texts, now, start, options, made, null);
        return made;
    }

    private void Capture(
        IReadOnlyCollection<string> texts,
        DateTimeOffset now,
        long start,
        EmbeddingGenerationOptions? options,
        GeneratedEmbeddings<Embedding<float>>? made,
        Exception? error
    )
    {
        try
        {
            lightning.Track(
                new Episode
                {
                    Id = Ids.New(now),
                    AgentId = agentId,
                    CreatedAt = now,
                    UserInput = string.Join('\n', texts),
                    AssistantOutput = made is null
                        ? ""
                        : string.Create(
                            CultureInfo.InvariantCulture,
                            $"{made.Count} vectors of {(made.Count == 0 ? 0 : made[0].Vector.Length)}"
                        ),
                    RequestLatencyMs = lightning.Time.GetElapsedTime(start).TotalMilliseconds,
                    Status =
                        error is null ? EpisodeStatus.Succeeded
                        : error is OperationCanceledException ? EpisodeStatus.Cancelled
                        : EpisodeStatus.Failed,
                    Error = error is OperationCanceledException ? null : ChatTurn.ErrorOf(error),
                    ModelDeployment = ChatEpisode.Name((made is { Count: > 0 } ? made[0].ModelId : null) ?? options?.ModelId),
                    TokenUsage = ChatEpisode.Usage(
                        made?.Usage?.InputTokenCount,
                        made?.Usage?.OutputTokenCount,
                        made?.Usage?.TotalTokenCount
                    ),
                    Tags = ["embedding"],
                    Internal = true,
                }
            );
        }
        catch (Exception e)
        {
            lightning.Drop(e);
        }
    }
}

using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Common;

namespace AgentLightning.Server.Gateway;

/// <summary>A model as OpenAI lists it.</summary>
internal sealed record ModelEntry(string Id, string Object, long Created, string OwnedBy);

/// <summary>The models that can be asked.</summary>
internal sealed record ModelListAnswer(string Object, IReadOnlyList<ModelEntry> Data);

/// <summary>Lists what can be asked: agents, and the models that upstreams say they have, where the settings let them through.</summary>
internal sealed class ListModels(UpstreamTable upstreams, GatewayOptions options, TimeProvider time) : IOperation
{
    private static readonly TimeSpan s_believed = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private volatile Known? _known;

    /// <summary>
    /// The models; role read. What upstreams say is believed for a minute; one that does not answer within five seconds shows what the
    /// settings list.
    /// </summary>
    public async Task<ModelListAnswer> ExecuteAsync(Scope scope, CancellationToken cancellationToken)
    {
        scope.Require(Role.Read);
        var known = _known;
        if (known is null || time.GetElapsedTime(known.At) > s_believed)
        {
            var lists = await Task.WhenAll(upstreams.All.Select(upstream => AskAsync(upstream, cancellationToken)));
            _known = known = new Known([.. lists.SelectMany(list => list).DistinctBy(entry => entry.Id)], time.GetTimestamp());
        }

        var agents = options
            .Agents.Keys.Where(scope.Allows)
            .Order(StringComparer.Ordinal)
            .Select(agent => new ModelEntry(ModelNames.AgentPrefix + agent, "model", 0, "agent-lightning"));
        return new ModelListAnswer("list", [.. agents, .. known.Models]);
    }

    private async Task<IReadOnlyList<ModelEntry>> AskAsync(Upstream upstream, CancellationToken cancellationToken)
    {
        var listed = upstream
            .Options.Models.Where(model => !model.EndsWith('*'))
            .Select(model => new ModelEntry(model.Split('=')[0].Trim(), "model", 0, upstream.Name))
            .ToList();
        if (upstream.Options.Models.Count == listed.Count && listed.Count > 0)
        {
            return listed;
        }

        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(s_patience);
            using var request = upstream.NewRequest(HttpMethod.Get, "/models");
            using var response = await upstream.SendAsync(request, limit.Token);
            await using var body = await response.Content.ReadAsStreamAsync(limit.Token);
            using var json = await JsonDocument.ParseAsync(body, cancellationToken: limit.Token);
            return [.. listed, .. json.RootElement.GetProperty("data").EnumerateArray().Select(Entry).Where(IsServed)];
        }
        catch (Exception e)
            when (!cancellationToken.IsCancellationRequested
                && e
                    is HttpRequestException
                        or IOException
                        or OperationCanceledException
                        or JsonException
                        or InvalidOperationException
                        or KeyNotFoundException
            )
        {
            return listed;
        }

        ModelEntry Entry(JsonElement model) =>
            new(
                model.GetProperty("id").GetString() ?? "",
                "model",
                model.TryGetProperty("created", out var created) && created.TryGetInt64(out var at) ? at : 0,
                upstream.Name
            );

        bool IsServed(ModelEntry entry) =>
            entry.Id.Length > 0 && Array.Exists(upstreams.Names.Serving(entry.Id), server => server.Upstream == upstream);
    }

    private sealed record Known(IReadOnlyList<ModelEntry> Models, long At);
}

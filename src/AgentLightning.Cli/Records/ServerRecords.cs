using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json;
using AgentLightning.Access;
using AgentLightning.Capture;
using AgentLightning.Common;
using AgentLightning.Episodes;
using AgentLightning.Feedback;
using AgentLightning.Monitoring;
using AgentLightning.Retention;
using AgentLightning.Rewards;
using AgentLightning.Server.Access;
using AgentLightning.Server.Audit;
using AgentLightning.Server.Deployments;
using AgentLightning.Server.Episodes;
using AgentLightning.Server.Feedback;
using AgentLightning.Server.Health;
using AgentLightning.Server.Rewards;
using AgentLightning.Server.Triage;
using AgentLightning.Stats;
using AgentLightning.Traces;

namespace AgentLightning.Cli.Records;

/// <summary>Records behind a server. What it refuses is told in its own words.</summary>
internal sealed class ServerRecords : IRecords
{
    /// <summary>How long a server has to say whether it is well.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;

    /// <param name="apiKey">Null for a server without keys.</param>
    public ServerRecords(string server, string? apiKey)
    {
        if (!Uri.TryCreate(server, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            throw LightningException.Invalid($"--server must be an address such as http://127.0.0.1:4747, but it is '{server}'.");
        }

        // Deletions and exports take as long as they take; whoever waits can press Ctrl+C.
        _http = new HttpClient { BaseAddress = new Uri(address, "/api/lightning/"), Timeout = Timeout.InfiniteTimeSpan };
        if (apiKey is not null)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", apiKey);
        }
    }

    public Task<EpisodeListResponse> ListAsync(EpisodeQuery query, CancellationToken cancellationToken) =>
        SendAsync<EpisodeListResponse>(HttpMethod.Get, $"episodes?{Query(query)}&limit={query.Limit}", null, cancellationToken);

    public Task<EpisodeResponse> GetAsync(string id, CancellationToken cancellationToken) =>
        SendAsync<EpisodeResponse>(HttpMethod.Get, $"episodes/{Uri.EscapeDataString(Ids.Check(id, "id"))}", null, cancellationToken);

    public async Task<EpisodeRemovedResponse> RemoveAsync(
        EpisodeSelection selection,
        RemovalScope scope,
        IProgress<long> progress,
        CancellationToken cancellationToken
    )
    {
        if (selection.Ids is null)
        {
            var query = Query(
                ("agent_id", selection.AgentId),
                ("session_id", selection.SessionId),
                ("user_id", selection.UserId),
                ("older_than", Text(selection.OlderThan)),
                ("scope", EnumText.Of(scope))
            );
            return await SendAsync<EpisodeRemovedResponse>(HttpMethod.Delete, $"episodes?{query}", null, cancellationToken);
        }

        var removed = 0L;
        foreach (var id in selection.Ids.Select(id => Ids.Check(id, "id")).Distinct().ToList())
        {
            try
            {
                var path = $"episodes/{Uri.EscapeDataString(id)}";
                removed += (await SendAsync<EpisodeRemovedResponse>(HttpMethod.Delete, path, null, cancellationToken)).Removed;
            }
            catch (LightningException e) when (e.Kind == ErrorKind.NotFound)
            {
                // As in a store: what is not there is not counted.
            }

            progress.Report(removed);
        }

        return new EpisodeRemovedResponse(removed, scope);
    }

    public async IAsyncEnumerable<string> ExportAsync(EpisodeQuery query, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var response = await SendAsync(HttpMethod.Get, $"export?{Query(query)}", null, cancellationToken);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(cancellationToken));
        while (await reader.ReadLineAsync(cancellationToken) is { } line)
        {
            yield return line;
        }
    }

    public async Task<CaptureOutcome> ImportAsync(Stream lines, CancellationToken cancellationToken)
    {
        using var content = new StreamContent(lines) { Headers = { ContentType = new MediaTypeHeaderValue("application/x-ndjson") } };
        return await SendAsync<CaptureOutcome>(HttpMethod.Post, "capture", content, cancellationToken);
    }

    public async Task<RewardResponse> AssignAsync(RewardInput reward, CancellationToken cancellationToken)
    {
        if (reward.Reward is { } value)
        {
            // JSON knows no NaN.
            Reward.CheckValue(value);
        }

        return await PostAsync<RewardInput, RewardResponse>("rewards", reward, cancellationToken);
    }

    public Task<RewardListResponse> ListRewardsAsync(RewardQuery query, CancellationToken cancellationToken)
    {
        var parts = Query(
            ("agent_id", query.AgentId),
            ("episode_id", query.EpisodeId),
            ("source", query.Source is { } source ? EnumText.Of(source) : null),
            ("before", query.Before)
        );
        return SendAsync<RewardListResponse>(HttpMethod.Get, $"rewards?{parts}&limit={query.Limit}", null, cancellationToken);
    }

    public async Task<ChatFeedbackResponse> GiveAsync(ChatFeedbackBody feedback, string? user, CancellationToken cancellationToken)
    {
        using var content = JsonContent.Create(feedback, options: LightningJson.Options);
        if (user is not null)
        {
            // What no header can hold would be refused with words for programmers.
            content.Headers.Add(
                FeedbackEndpoints.UserHeader,
                System.Text.Ascii.IsValid(Ids.Check(user, "--user"))
                    ? user
                    : throw LightningException.Invalid(
                        $"--user must be of ASCII letters, digits and signs where a server is asked, but it is '{user}'."
                    )
            );
        }

        return await SendAsync<ChatFeedbackResponse>(HttpMethod.Post, "/api/v1/chat/feedback", content, cancellationToken);
    }

    public Task<FeedbackListResponse> ListFeedbackAsync(FeedbackQuery query, CancellationToken cancellationToken) =>
        SendAsync<FeedbackListResponse>(
            HttpMethod.Get,
            $"feedback?{Query(("agent_id", query.AgentId), ("episode_id", query.EpisodeId), ("before", query.Before))}&limit={query.Limit}",
            null,
            cancellationToken
        );

    public Task<FeedbackStatistics> FeedbackStatsAsync(string? agentId, int days, CancellationToken cancellationToken) =>
        SendAsync<FeedbackStatistics>(
            HttpMethod.Get,
            $"/api/v1/admin/agent-lightning/feedback/stats?{Query(("agent_name", agentId))}&days={days}",
            null,
            cancellationToken
        );

    public Task<AgentStats> StatsAsync(string agentId, CancellationToken cancellationToken) =>
        SendAsync<AgentStats>(HttpMethod.Get, $"stats?{Query(("agent_id", agentId))}", null, cancellationToken);

    public Task<TriageResponse> TriageAsync(TriageRequest feedback, CancellationToken cancellationToken) =>
        PostAsync<TriageRequest, TriageResponse>("triage", feedback, cancellationToken);

    public async Task<DeploymentItem> PromoteAsync(PromoteBody run, CancellationToken cancellationToken) =>
        await GetReleaseAsync(
            (await PostAsync<PromoteBody, PromoteResponse>("deployments", run, cancellationToken)).DeploymentId,
            cancellationToken
        );

    public async Task<DeploymentItem> RollbackAsync(RollbackBody release, CancellationToken cancellationToken) =>
        await GetReleaseAsync(
            (await PostAsync<RollbackBody, RollbackResponse>("deployments/rollback", release, cancellationToken)).DeploymentId,
            cancellationToken
        );

    public Task<LineageResponse> LineageAsync(string agentId, CancellationToken cancellationToken) =>
        SendAsync<LineageResponse>(HttpMethod.Get, $"deployments/lineage?{Query(("agent_id", agentId))}", null, cancellationToken);

    public Task<CreatedKeyResponse> CreateKeyAsync(CreateKeyBody key, CancellationToken cancellationToken)
    {
        // What cannot be is said before it is sent: JSON knows no infinity.
        key.ToRequest();
        return PostAsync<CreateKeyBody, CreatedKeyResponse>("keys", key, cancellationToken);
    }

    public Task<KeyListResponse> ListKeysAsync(CancellationToken cancellationToken) =>
        SendAsync<KeyListResponse>(HttpMethod.Get, "keys", null, cancellationToken);

    public Task<ApiKey> RevokeKeyAsync(string id, CancellationToken cancellationToken) =>
        SendAsync<ApiKey>(HttpMethod.Delete, $"keys/{Uri.EscapeDataString(Ids.Check(id, "id"))}", null, cancellationToken);

    public Task<AuditListResponse> ListAuditAsync(AuditRequest request, CancellationToken cancellationToken)
    {
        var parts = Query(
            ("agent_id", request.AgentId),
            ("action", request.Action),
            ("start_date", Text(request.Start)),
            ("end_date", Text(request.End)),
            ("before", request.Before)
        );
        return SendAsync<AuditListResponse>(HttpMethod.Get, $"audit?{parts}&limit={request.Limit}", null, cancellationToken);
    }

    public Task<TraceReport> DiagnoseAsync(CancellationToken cancellationToken) =>
        SendAsync<TraceReport>(HttpMethod.Get, "diagnostics/traces", null, cancellationToken);

    public async Task<ReadyResponse> HealthAsync(CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_patience);
        try
        {
            // 503 is an answer as well: it says what is wrong.
            using var response = await SendAsync(HttpMethod.Get, "/health/ready", null, IsReadiness, patience.Token);
            return await ReadAsync<ReadyResponse>(response, patience.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested)
        {
            throw new LightningException(
                ErrorKind.Unavailable,
                $"The server {Address} did not answer within {s_patience.TotalSeconds:0} seconds.",
                e
            );
        }

        static bool IsReadiness(HttpStatusCode status) => status is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable;
    }

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    private string Address => _http.BaseAddress!.GetLeftPart(UriPartial.Authority);

    private Task<DeploymentItem> GetReleaseAsync(string id, CancellationToken cancellationToken) =>
        SendAsync<DeploymentItem>(HttpMethod.Get, $"deployments/{Uri.EscapeDataString(id)}", null, cancellationToken);

    private async Task<TAnswer> PostAsync<TBody, TAnswer>(string path, TBody body, CancellationToken cancellationToken)
    {
        using var content = JsonContent.Create(body, options: LightningJson.Options);
        return await SendAsync<TAnswer>(HttpMethod.Post, path, content, cancellationToken);
    }

    private async Task<T> SendAsync<T>(HttpMethod method, string path, HttpContent? content, CancellationToken cancellationToken)
    {
        using var response = await SendAsync(method, path, content, cancellationToken);
        return await ReadAsync<T>(response, cancellationToken);
    }

    private async Task<T> ReadAsync<T>(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            return (await response.Content.ReadFromJsonAsync<T>(LightningJson.Options, cancellationToken))!;
        }
        catch (JsonException e)
        {
            throw new LightningException(
                ErrorKind.Unavailable,
                $"{Address} does not answer as a Lightning server does. Check --server.",
                e
            );
        }
    }

    private Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        HttpContent? content,
        CancellationToken cancellationToken
    ) => SendAsync(method, path, content, _ => false, cancellationToken);

    /// <param name="isAnswer">Says of a status that is no success whether it is an answer all the same.</param>
    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        HttpContent? content,
        Func<HttpStatusCode, bool> isAnswer,
        CancellationToken cancellationToken
    )
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        try
        {
            var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (response.IsSuccessStatusCode || isAnswer(response.StatusCode))
            {
                return response;
            }

            using (response)
            {
                throw new LightningException(KindOf(response.StatusCode), await DetailAsync(response, cancellationToken));
            }
        }
        catch (HttpRequestException e)
        {
            throw new LightningException(
                ErrorKind.Unavailable,
                $"The server {Address} cannot be reached: {e.Message.TrimEnd('.')}. Start it with 'lightning serve', or correct --server.",
                e
            );
        }
    }

    private static ErrorKind KindOf(HttpStatusCode status) =>
        status switch
        {
            HttpStatusCode.BadRequest => ErrorKind.Invalid,
            HttpStatusCode.Forbidden => ErrorKind.Forbidden,
            HttpStatusCode.NotFound => ErrorKind.NotFound,
            HttpStatusCode.Conflict => ErrorKind.Conflict,
            _ => ErrorKind.Unavailable,
        };

    private static async Task<string> DetailAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        try
        {
            var problem = await response.Content.ReadFromJsonAsync<JsonElement>(cancellationToken);
            if (
                problem.ValueKind == JsonValueKind.Object
                && problem.TryGetProperty("detail", out var detail)
                && detail.ValueKind == JsonValueKind.String
            )
            {
                return detail.GetString()!;
            }
        }
        catch (JsonException)
        {
            // A proxy's page, perhaps: the status says what can be said.
        }

        return $"The server answered {(int)response.StatusCode} {response.ReasonPhrase}.";
    }

    private static string Query(EpisodeQuery query) =>
        Query(
            ("agent_id", query.AgentId),
            ("session_id", query.SessionId),
            ("user_id", query.UserId),
            ("start_date", Text(query.Start)),
            ("end_date", Text(query.End)),
            ("before", query.Before)
        );

    private static string Query(params (string Name, string? Value)[] parts) =>
        string.Join('&', parts.Where(part => part.Value is not null).Select(part => $"{part.Name}={Uri.EscapeDataString(part.Value!)}"));

    private static string? Text(DateTimeOffset? time) => time?.UtcDateTime.ToString("O", CultureInfo.InvariantCulture);
}

using AgentLightning.Access;
using AgentLightning.Audit;
using AgentLightning.Common;
using AgentLightning.Deployments;
using AgentLightning.Governance;
using AgentLightning.Storage;
using AgentLightning.Tests.Storage;
using Microsoft.Extensions.DependencyInjection;

namespace AgentLightning.Tests.Access;

public sealed class ApiKeyTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 4, 12, 0, 0, TimeSpan.Zero));

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_key_opens_the_door_until_it_expires()
    {
        await using var product = await OpenAsync();
        var made = await product
            .Get<CreateKey>()
            .ExecuteAsync(Product.Owner, new ApiKeyRequest("nightly", Role.Write, ["shop"], TimeSpan.FromDays(1)), Token);
        var verifier = product.Get<ApiKeyVerifier>();

        Assert.Equivalent(made.Key, await verifier.VerifyAsync(made.Text, Token), strict: true);
        _time.Advance(TimeSpan.FromDays(1));
        Assert.Null(await verifier.VerifyAsync(made.Text, Token));
    }

    [Fact]
    public async Task Any_other_text_opens_nothing()
    {
        await using var product = await OpenAsync();
        var made = await product.Get<CreateKey>().ExecuteAsync(Product.Owner, new ApiKeyRequest("nightly", Role.Write), Token);
        var other = await product.Get<CreateKey>().ExecuteAsync(Product.Owner, new ApiKeyRequest("other", Role.Read), Token);
        var last = made.Text[^1] == '0' ? '1' : '0';

        foreach (
            var text in new[]
            {
                "",
                "lk_",
                made.Key.Id,
                made.Text[..^1],
                made.Text + "0",
                made.Text[..^1] + last,
                made.Text.ToUpperInvariant(),
                " " + made.Text,
                made.Text + "\n",
                other.Text[..20] + made.Text[20..],
            }
        )
        {
            Assert.Null(await product.Get<ApiKeyVerifier>().VerifyAsync(text, Token));
        }
    }

    [Fact]
    public async Task A_revoked_key_is_refused_by_every_server_within_a_second()
    {
        await using var product = await OpenAsync();
        var made = await product.Get<CreateKey>().ExecuteAsync(Product.Owner, new ApiKeyRequest("nightly", Role.Read), Token);
        // Another server has its own memory of the same store.
        var elsewhere = ActivatorUtilities.CreateInstance<ApiKeyVerifier>(product.Get<IServiceProvider>());
        Assert.NotNull(await elsewhere.VerifyAsync(made.Text, Token));

        await product.Get<RevokeKey>().ExecuteAsync(Product.Owner, made.Key.Id, Token);
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Null(await elsewhere.VerifyAsync(made.Text, Token));
        Assert.Null(await product.Get<ApiKeyVerifier>().VerifyAsync(made.Text, Token));
    }

    [Fact]
    public async Task The_first_key_is_demanded_by_a_running_server_within_a_second_and_forever()
    {
        await using var product = await OpenAsync();
        var verifier = product.Get<ApiKeyVerifier>();
        Assert.False(await verifier.AnyKeysAsync(Token));

        var made = await product.Get<CreateKey>().ExecuteAsync(Product.Owner, new ApiKeyRequest("first", Role.Admin), Token);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await verifier.AnyKeysAsync(Token));

        await product.Get<RevokeKey>().ExecuteAsync(Product.Owner, made.Key.Id, Token);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await verifier.AnyKeysAsync(Token));
        Assert.True(await ActivatorUtilities.CreateInstance<ApiKeyVerifier>(product.Get<IServiceProvider>()).AnyKeysAsync(Token));
    }

    [Fact]
    public async Task The_last_use_is_noted_once_a_minute()
    {
        await using var product = await OpenAsync();
        var made = await product.Get<CreateKey>().ExecuteAsync(Product.Owner, new ApiKeyRequest("nightly", Role.Read), Token);
        var first = _time.GetUtcNow();

        await product.Get<ApiKeyVerifier>().VerifyAsync(made.Text, Token);
        _time.Advance(TimeSpan.FromSeconds(59));
        await product.Get<ApiKeyVerifier>().VerifyAsync(made.Text, Token);
        Assert.Equal(first, (await product.Get<ListKeys>().ExecuteAsync(Product.Owner, Token))[0].LastUsedAt);

        _time.Advance(TimeSpan.FromSeconds(2));
        await product.Get<ApiKeyVerifier>().VerifyAsync(made.Text, Token);
        Assert.Equal(_time.GetUtcNow(), (await product.Get<ListKeys>().ExecuteAsync(Product.Owner, Token))[0].LastUsedAt);
    }

    [Fact]
    public async Task The_text_of_a_key_is_in_no_byte_of_the_store_and_is_taken_out_of_any_text()
    {
        await using var product = await OpenAsync();
        var made = await product.Get<CreateKey>().ExecuteAsync(Product.Owner, new ApiKeyRequest("nightly", Role.Read), Token);
        await product.Get<RevokeKey>().ExecuteAsync(Scope.Owner($"somebody with {made.Text}"), made.Key.Id, Token);

        var bytes = Directory
            .EnumerateFiles(Path.GetDirectoryName(product.Options.Store)!)
            .Select(file =>
            {
                using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
                using var reader = new StreamReader(stream, System.Text.Encoding.Latin1);
                return reader.ReadToEnd();
            })
            .ToList();

        Assert.NotEmpty(bytes);
        Assert.All(bytes, content => Assert.DoesNotContain(made.Text[20..], content, StringComparison.Ordinal));
        Assert.DoesNotContain(
            made.Text[20..],
            product.Get<Redactor>().Redact($"I use {made.Text}, is that right?"),
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(made.Text, made.ToString(), StringComparison.Ordinal);
        Assert.Throws<LightningException>(() => product.Get<Redactor>().CheckName(made.Text, "session_id"));
    }

    [Fact]
    public async Task Making_and_revoking_a_key_is_in_the_audit_log()
    {
        await using var product = await OpenAsync();
        var made = await product
            .Get<CreateKey>()
            .ExecuteAsync(Scope.Owner("ada"), new ApiKeyRequest("nightly", Role.Write, ["shop"]), Token);
        _time.Advance(TimeSpan.FromMinutes(1));
        await product.Get<RevokeKey>().ExecuteAsync(Scope.Owner("bob"), made.Key.Id, Token);
        await product.Get<RevokeKey>().ExecuteAsync(Scope.Owner("bob"), made.Key.Id, Token);

        var entries = await product.Get<IAuditLog>().ListAsync(new AuditQuery(), Token);

        Assert.Equal(
            [("bob", AuditAction.KeyRevoked, made.Key.Id), ("ada", AuditAction.KeyCreated, made.Key.Id)],
            entries.Select(entry => (entry.Actor, entry.Action, entry.Subject))
        );
        Assert.Equal(("shop", "write"), (entries[1].AgentId, entries[1].Detail!["role"]));
    }

    [Fact]
    public async Task Releases_and_rollbacks_are_in_the_audit_log_with_who_acted()
    {
        await using var product = await OpenAsync();
        await product.Get<PromoteBase>().ExecuteAsync(Scope.Owner("ada"), new PromoteBaseRequest(Product.Agent, "rules"), Token);
        _time.Advance(TimeSpan.FromMinutes(1));
        var run = await product.AddRunAsync("yes", "no");
        var second = await product
            .Get<Promote>()
            .ExecuteAsync(new Scope("key 0123", Role.Admin, null), new PromoteRequest(Product.Agent, run.Id, "ada", Force: true), Token);
        _time.Advance(TimeSpan.FromMinutes(1));
        await product.Get<Rollback>().ExecuteAsync(Scope.Owner("bob"), new RollbackRequest(Product.Agent, Reason: "worse"), Token);

        var entries = await product.Get<IAuditLog>().ListAsync(new AuditQuery(Agents: [Product.Agent]), Token);

        Assert.Equal(
            [("bob", AuditAction.RolledBack), ("key 0123", AuditAction.Promoted), ("ada", AuditAction.Promoted)],
            entries.Select(entry => (entry.Actor, entry.Action))
        );
        Assert.Equal("worse", entries[0].Detail!["reason"]);
        Assert.Equal((second.Id, "true", "ada"), (entries[1].Subject, entries[1].Detail!["forced"], entries[1].Detail!["by"]));
    }

    [Fact]
    public async Task Only_an_admin_for_all_agents_makes_lists_and_revokes_keys()
    {
        await using var product = await OpenAsync();

        foreach (var scope in new[] { new Scope("key 1", Role.Write, null), new Scope("key 2", Role.Admin, ["shop"]) })
        {
            foreach (
                var ask in new Func<Task>[]
                {
                    () => product.Get<CreateKey>().ExecuteAsync(scope, new ApiKeyRequest("x", Role.Read), Token),
                    () => product.Get<ListKeys>().ExecuteAsync(scope, Token),
                    () => product.Get<RevokeKey>().ExecuteAsync(scope, "0123", Token),
                }
            )
            {
                Assert.Equal(ErrorKind.Forbidden, (await Assert.ThrowsAsync<LightningException>(ask)).Kind);
            }
        }

        Assert.False(await product.Get<IApiKeyStore>().AnyAsync(Token));
    }

    [Theory]
    [InlineData("", null, null)]
    [InlineData("line\nbreak", null, null)]
    [InlineData("name", "", null)]
    [InlineData("name", "with blank", null)]
    [InlineData("name", null, 0.0)]
    [InlineData("name", null, 4_000.0)]
    public async Task A_key_that_cannot_be_is_refused_with_the_reason(string name, string? agents, double? days)
    {
        await using var product = await OpenAsync();
        string[]? list = agents?.Length == 0 ? [] : agents?.Split(',');

        var error = await Assert.ThrowsAsync<LightningException>(() =>
            product
                .Get<CreateKey>()
                .ExecuteAsync(
                    Product.Owner,
                    new ApiKeyRequest(name, Role.Read, list, days is null ? null : TimeSpan.FromDays(days.Value)),
                    Token
                )
        );

        Assert.Equal(ErrorKind.Invalid, error.Kind);
        Assert.Empty(await product.Get<ListKeys>().ExecuteAsync(Product.Owner, Token));
    }

    private Task<Product> OpenAsync() => Product.OpenAsync(services => services.AddSingleton<TimeProvider>(_time));
}

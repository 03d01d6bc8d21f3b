using System.Security.Cryptography;
using System.Text;
using AgentLightning.Access;
using Microsoft.AspNetCore.Http;

namespace AgentLightning.ModelServer;

/// <summary>
/// Lets in who has the key. Without a key only this machine reaches the server, and then no page in its browser does, see
/// <see cref="BrowserGuard"/>.
/// </summary>
internal sealed class TinkerGuard(ModelServerOptions options)
{
    private readonly byte[]? _key = options.ApiKey is null ? null : SHA256.HashData(Encoding.UTF8.GetBytes(options.ApiKey));

    public Task CheckAsync(HttpContext context, RequestDelegate next)
    {
        var request = context.Request;
        if (
            _key is not null
            && request.Path != "/api/v1/healthz"
            && !CryptographicOperations.FixedTimeEquals(
                _key,
                SHA256.HashData(Encoding.UTF8.GetBytes(request.Headers["X-API-Key"].ToString()))
            )
        )
        {
            throw new TinkerRefusal(StatusCodes.Status401Unauthorized, "Show the key of this server in the header X-API-Key.");
        }

        var source = new RequestSource(
            request.Method,
            request.Host.Value ?? "",
            request.Headers.Origin.ToString(),
            request.Headers["Sec-Fetch-Site"].ToString(),
            request.ContentType ?? "",
            BodyExpected: HttpMethods.IsPost(request.Method)
        );
        var refusal = (_key is null ? BrowserGuard.CheckHost(source.Host, onlyThisMachine: true, []) : null)
            ?? BrowserGuard.CheckChange(source, []);
        return refusal is null ? next(context) : throw new TinkerRefusal(refusal.Status, refusal.Message);
    }
}

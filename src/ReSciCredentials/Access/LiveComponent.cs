using Microsoft.AspNetCore.Components;
using ReSciCredentials.Storage;

namespace ReSciCredentials.Access;

/// <summary>
/// A component that shows what one person may see. Loads when its parameters are set, and again when what it follows changes in the database,
/// whoever changed it.
/// </summary>
public abstract class LiveComponent : ComponentBase, IHandleEvent, IDisposable
{
    private readonly CancellationTokenSource _gone = new();
    private IDisposable? _subscription;

    [Inject]
    private CurrentPerson Current { get; set; } = null!;

    [Inject]
    private ChangeNotices Notices { get; set; } = null!;

    [Inject]
    private StorageTrouble Trouble { get; set; } = null!;

    [Inject]
    private NavigationManager Navigator { get; set; } = null!;

    /// <summary>Cancelled when the person has left the page.</summary>
    protected CancellationToken Gone => _gone.Token;

    public void Dispose()
    {
        _subscription?.Dispose();
        _gone.Cancel();
        _gone.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>
    /// As in <see cref="ComponentBase"/>, but what is nobody's mistake does not break the page: a session that ended meanwhile, and a disk that
    /// takes no changes, of which <see cref="StorageNotice"/> tells. What was asked for was not done, and what was typed stays.
    /// </summary>
    async Task IHandleEvent.HandleEventAsync(EventCallbackWorkItem item, object? arg)
    {
        await WhileSignedInAsync(async () =>
        {
            try
            {
                var handling = item.InvokeAsync(arg);
                StateHasChanged();
                await handling;
            }
            catch (Exception exception) when (Trouble.Meet(exception) is not null)
            {
            }
            catch (OperationCanceledException) when (_gone.IsCancellationRequested)
            {
                // Left while it went on.
                return;
            }
        });
        if (!_gone.IsCancellationRequested)
        {
            StateHasChanged();
        }
    }

    protected override Task OnInitializedAsync() => WhileSignedInAsync(async () =>
    {
        // Only a live page is told: the prerendered one is gone in a moment.
        if (RendererInfo.IsInteractive)
        {
            var person = await PersonAsync();
            _subscription = Notices.Subscribe(notice =>
            {
                if (notice.Audience.Contains(person.Id) && Follows(notice))
                {
                    _ = InvokeAsync(RefreshAsync);
                }
            });
        }
    });

    protected override Task OnParametersSetAsync() => WhileSignedInAsync(async () => await LoadAsync(await PersonAsync()));

    /// <summary>Asked each time, not kept: the session may have ended since.</summary>
    private protected ValueTask<Person> PersonAsync() => Current.GetAsync(_gone.Token);

    private protected abstract Task LoadAsync(Person person);

    private protected virtual bool Follows(ChangeNotice notice) => false;

    private async Task WhileSignedInAsync(Func<Task> load)
    {
        try
        {
            await load();
        }
        catch (SignedOutException) when (RendererInfo.IsInteractive)
        {
            // This circuit's session has ended. The browser may have a new one, from another tab: loaded anew the page is in that, or asks to sign in.
            Navigator.Refresh(forceReload: true);
        }
    }

    private async Task RefreshAsync()
    {
        try
        {
            await LoadAsync(await PersonAsync());
            StateHasChanged();
        }
        catch (Exception exception) when (exception is SignedOutException or OperationCanceledException or ObjectDisposedException)
        {
            // The person has gone, or is no longer signed in: there is nobody to show it to.
        }
    }
}
